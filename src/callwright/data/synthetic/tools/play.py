"""Sport and games."""

from callwright.data.synthetic.spec import Domain, Param, Reply, Spec
from callwright.data.synthetic.values import choice, date, flag, listing, number, same, text, whole, year
from callwright.data.synthetic.words import person

_TEAM = "Harbor Wolves|Red Comets|Iron Foxes|Valley Hawks|Northern Stags|River Kings|Desert Owls"

SPORTS = Domain(
    "sports|league|athletics|fitness",
    contexts="I missed the match.|I'm training for a race.|We have a bet going.",
    tools=(
        Spec(
            "get|fetch|look_up match_result|game_score|final_score",
            "Result of a match.|Final score between two teams.",
            (
                Param("home_team|team_a|home|first_team", text(_TEAM), "Team that plays at home"),
                Param("away_team|team_b|visitors|second_team", text(_TEAM), "Visiting team"),
                Param("season|year|season_year", year(2010, 2024), "Season", "the current one"),
            ),
            (
                "the result of {home_team} against {away_team}[ in the {season} season]",
                "How did {home_team} versus {away_team} end[ in {season}]?",
                "look up the final score of {home_team} vs {away_team}[ in {season}]",
            ),
            series=("the results of {n} matches[ in {season}]", "for {home_team} against {away_team}"),
            reply=Reply({"score": text("2:1|0:0|3:2|1:4")}, "{home_team} against {away_team} ended {score}."),
        ),
        Spec(
            "get|fetch|look_up athlete_stats|player_record|player_statistics",
            "Statistics of a player.|Numbers of an athlete in a season.",
            (
                Param("player|athlete|player_name|name", person, "Name of the player"),
                Param(
                    "stats|categories|figures",
                    listing(same("goals|assists|minutes|fouls|saves"), 1, 3),
                    "What to report",
                ),
                Param("season|year", year(2008, 2024), "Season", "career"),
                Param("team|club", text(_TEAM), "Only games for this team", "any"),
            ),
            (
                "the {stats} of {player}[ in {season}][ for the {team}]",
                "get {player}'s {stats}[ for the {season} season][ with the {team}]",
                "What are the {stats} of {player}[ in {season}]?",
            ),
            fan="player|season",
        ),
        Spec(
            "calculate|compute|plan race_pace|running_pace|pace_for_race",
            "Pace needed for a finish time.|Minutes per kilometer for a race.",
            (
                Param("distance_km|distance|race_km|kilometers", number(3, 43), "Distance in kilometers"),
                Param("target_minutes|finish_time|time_minutes|goal", whole(15, 280), "Wanted time in minutes"),
                Param(
                    "unit|per|pace_unit",
                    choice({"km": "per kilometer", "mile": "per mile"}),
                    "Unit of the pace",
                    "'km'",
                ),
            ),
            (
                "calculate the pace for {distance_km} km in {target_minutes} minutes[, {unit}]",
                "How fast must I run to finish {distance_km} kilometers in {target_minutes} minutes[, {unit}]?",
            ),
            series=("plan the pace for {n} races[ {unit}]", "{distance_km} km in {target_minutes} minutes"),
            fan="target_minutes|distance_km",
        ),
        Spec(
            "buy|order|get match_tickets|stadium_tickets|game_seats",
            "Buy tickets for a game.|Order seats in a stadium.",
            (
                Param("team|home_team|club", text(_TEAM), "Team to watch"),
                Param("date|match_day|game_date", date(2025, 2026), "Day of the game"),
                Param("seats|tickets|quantity|num_tickets", whole(2, 9), "How many seats"),
                Param("block|section|stand", same("north|south|east|west"), "Part of the stadium", "any"),
            ),
            (
                "buy {seats} tickets for the {team} game on {date}[ in the {block} stand]",
                "get me {seats} seats to see the {team} on {date}[, {block} section]",
            ),
            series=("buy tickets for {n} games[ in the {block} stand]", "{seats} seats for the {team} on {date}"),
            fan="date",
        ),
    ),
)

GAMES = Domain(
    "games|gaming|tabletop|rpg",
    contexts="Our game night starts soon.|I'm the game master.|My brother dared me.",
    tools=(
        Spec(
            "roll|throw dice|dice_set|dice_roll",
            "Roll dice.|Throw a number of dice with some sides.",
            (
                Param("count|num_dice|dice|number_of_dice", whole(2, 12), "How many dice"),
                Param("sides|faces|die_sides", whole(4, 20, 2), "Sides of each die"),
                Param("modifier|bonus|add", whole(1, 9), "Added to the sum", "0"),
                Param(
                    "advantage|with_advantage",
                    flag("with advantage", "without advantage"),
                    "Roll twice, keep the better",
                    "false",
                ),
            ),
            (
                "roll {count} dice with {sides} sides[, adding {modifier}][ {advantage}]",
                "throw {count} {sides}-sided dice[ and add {modifier}][, {advantage}]",
            ),
            series=("make {n} rolls", "{count} dice of {sides} sides"),
            fan="sides",
            reply=Reply({"total": whole(6, 90)}, "You rolled {total} in total."),
        ),
        Spec(
            "create|make|generate character|game_hero|player_character",
            "Create a role-playing character.|Generate a hero with a class and a level.",
            (
                Param(
                    "name|character_name|hero_name",
                    text("Thorin|Elowen|Kaz|Brakka|Sylas|Mirelle|Orrin|Vex"),
                    "Name of the character",
                ),
                Param("role|class_name|profession", same("wizard|ranger|knight|thief|healer"), "Class"),
                Param("level|start_level|lvl", whole(2, 20), "Level", "1"),
                Param(
                    "skills|abilities|talents",
                    listing(same("archery|stealth|herbalism|alchemy|swordplay"), 1, 3),
                    "Skills",
                    "none",
                ),
            ),
            (
                "create a {role} called {name}[ at level {level}][ with the skills {skills}]",
                "make {name}, a {role}[ of level {level}][, skilled in {skills}]",
            ),
            series=("create {n} characters[ at level {level}]", "the name {name} and the role of {role}"),
            fan="name",
        ),
        Spec(
            "analyze|evaluate|check chess_position|board_position|chess_move",
            "Evaluate a move in a chess opening.|Analyse a chess position after a move.",
            (
                Param(
                    "opening|position|line",
                    text("Sicilian Defense|French Defense|Queen's Gambit|Ruy Lopez|Caro-Kann"),
                    "Opening",
                ),
                Param("move|next_move|candidate", text("Nf3|Bb5|d5|Qe2|O-O|c4|Bg5"), "Move in algebraic notation"),
                Param("depth|search_depth|plies", whole(8, 40, 2), "Search depth", "20"),
            ),
            (
                "analyze the move {move} in the {opening}[ at depth {depth}]",
                "Is {move} a good move in the {opening}[, looking {depth} plies ahead]?",
            ),
            series=("evaluate {n} chess moves[ at depth {depth}]", "{move} in the {opening}"),
            fan="move",
        ),
        Spec(
            "get|show|fetch leaderboard|high_scores|ranking_table",
            "Best players of a game.|Top scores in a mode.",
            (
                Param(
                    "game|game_title|title",
                    text("Star Drifter|Castle Rush|Pixel Derby|Deep Caverns|Word Forge"),
                    "Title of the game",
                ),
                Param("top|limit|num_players|entries", whole(3, 50), "How many players", "10"),
                Param("region|server|area", same("Europe|Asia|Americas|Oceania"), "Region", "worldwide"),
                Param(
                    "period|timeframe|span",
                    choice({"day": "today", "week": "this week", "all": "of all time"}),
                    "Time to cover",
                    "'all'",
                ),
            ),
            (
                "show the[ top {top}] players of {game}[ in {region}][ {period}]",
                "Who leads the ranking of {game}[ in {region}][ {period}]?",
                "the leaderboard of {game}[ for {region}][, limited to {top} players]",
            ),
            fan="game|region",
        ),
        Spec(
            "simulate|estimate lottery|draw_odds|winning_odds",
            "Odds of a lottery.|Chance of guessing drawn numbers.",
            (
                Param("balls|pool_size|total_numbers", whole(30, 70), "How many numbers there are"),
                Param("drawn|picks|numbers_drawn", whole(4, 8), "How many are drawn"),
                Param("matches|hits|correct", whole(2, 4), "How many must match", "all of them"),
            ),
            (
                "~the odds of a lottery that draws {drawn} of {balls} numbers[, for {matches} matches]",
                "How likely is it[ to match {matches} numbers] in a lottery with {balls} balls and {drawn} draws?",
            ),
            series=("estimate the odds of {n} lotteries", "{drawn} draws from {balls} numbers"),
        ),
    ),
)

DOMAINS = (SPORTS, GAMES)
