"""Restaurants, cooking, music, film, books, sport and games."""

from callwright.data.synthetic.spec import Domain, Param, Reply, Spec
from callwright.data.synthetic.values import amount, choice, clock, date, flag, listing, number, same, text, whole, year
from callwright.data.synthetic.words import city, person, street, town

_CUISINE = "Italian|Thai|Ethiopian|Mexican|Lebanese|Korean|Vietnamese|Greek|Peruvian|vegan"
_DISH = (
    "lentil soup|mushroom risotto|chicken tagine|apple strudel|pad thai|beef stew|shakshuka|miso ramen|paella|falafel"
)

FOOD = Domain(
    "food|dining|kitchen|restaurants|cooking",
    contexts="Friends are coming over.|I'm hungry.|We celebrate a birthday.",
    tools=(
        Spec(
            "find|search|suggest restaurants|eateries|places_to_eat",
            "Find restaurants in a city.|Suggest places to eat by cuisine and price.",
            (
                Param("city|location|area|where", city, "City or town"),
                Param("cuisine|food_type|style", text(_CUISINE), "Kind of food"),
                Param(
                    "price_range|price_level|budget",
                    choice(
                        {
                            "cheap": "cheap|inexpensive",
                            "moderate": "mid-range|moderately priced",
                            "upscale": "upscale|fancy",
                        }
                    ),
                    "How expensive",
                    "any",
                ),
                Param("min_rating|rating|least_rating", number(3, 5), "Lowest rating, 1 to 5", "none"),
                Param(
                    "outdoor|outdoor_seating|terrace",
                    flag("with outdoor seating|where we can sit outside"),
                    "Must have outdoor seating",
                    "false",
                ),
            ),
            (
                "find {cuisine} restaurants in {city}[ {outdoor}][ rated at least {min_rating}]",
                "Where can I eat {cuisine} food in {city}[, something {price_range}][, {outdoor}]?",
                "suggest[ {price_range}] {cuisine} places in {city}[ with a rating of {min_rating} or more]",
            ),
            series=("find restaurants in {n} cities[ {outdoor}]", "{cuisine} food in {city}"),
            fan="city|cuisine",
            reply=Reply(
                {"name": text("Olive Table|Blue Door|Casa Lima|The Copper Pot")},
                "{name} in {city} serves {cuisine} food.",
            ),
        ),
        Spec(
            "reserve|book table|dinner_table|restaurant_seat",
            "Reserve a table.|Book seats in a restaurant.",
            (
                Param(
                    "restaurant|restaurant_name|venue",
                    text("Olive Table|Blue Door|Casa Lima|The Copper Pot|Mirabelle|Saffron House"),
                    "The restaurant",
                ),
                Param("guests|party_size|people|num_guests", whole(2, 12), "How many guests"),
                Param("day|date|reservation_date", date(2025, 2026), "Day of the visit"),
                Param("time|at|reservation_time", clock(), "Time of arrival", "'19:00'"),
                Param("name|booked_for|contact_name", person, "Name of the guest", "the user"),
            ),
            (
                "book a table for {guests} at {restaurant} on {day}[ at {time}][ under the name {name}]",
                "reserve seats for {guests} people at {restaurant} on {day}[, {time}][, for {name}]",
            ),
            series=("book {n} tables", "for {guests} people at {restaurant} on {day}"),
            reply=Reply({"table": whole(1, 30)}, "You have table {table} at {restaurant}."),
        ),
        Spec(
            "scale|adjust recipe|portions|ingredient_amounts",
            "Adapt a recipe to a number of servings.|Scale the ingredients of a dish.",
            (
                Param("recipe|dish|dish_name|meal", text(_DISH), "The dish"),
                Param("servings|portions|people", whole(2, 20), "Wanted servings"),
                Param("units|measure|unit_system", same("metric|imperial"), "Units", "'metric'"),
            ),
            (
                "scale the {recipe} recipe to {servings} servings[ in {units} units]",
                "What do I need to make {recipe} for {servings} people[, in {units} units]?",
                "~the amounts for {servings} portions of {recipe}[ in {units} units]",
            ),
            series=("scale {n} recipes[ to {units} units]", "{servings} servings of {recipe}"),
            fan="servings|recipe",
        ),
        Spec(
            "find|search|suggest recipes|dishes|meal_ideas",
            "Find recipes for what is in the kitchen.|Search dishes by ingredients.",
            (
                Param(
                    "ingredients|with_ingredients|available",
                    listing(
                        text("tomatoes|chickpeas|rice|spinach|salmon|potatoes|eggs|feta|mushrooms|coconut milk"), 2, 4
                    ),
                    "What must be used",
                ),
                Param("diet|dietary|diet_type", same("vegan|vegetarian|gluten-free|halal"), "Diet to respect", "none"),
                Param(
                    "max_minutes|time_limit|cooking_time", whole(15, 90, 5), "Longest cooking time in minutes", "none"
                ),
            ),
            (
                "find recipes with {ingredients}[ that are {diet}][ and take at most {max_minutes} minutes]",
                "What can I cook from {ingredients}[ in {max_minutes} minutes][ if it has to be {diet}]?",
            ),
            series=("find recipes for {n} baskets[ that are {diet}]", "{ingredients}"),
        ),
        Spec(
            "order|deliver meal|takeaway|food_delivery",
            "Order food to an address.|Have dishes delivered.",
            (
                Param("dish|meal|item|food", text(_DISH), "What to order"),
                Param("quantity|count|portions", whole(2, 9), "How many portions"),
                Param("address|deliver_to|delivery_address", street, "Where to"),
                Param(
                    "spice|spiciness|heat",
                    choice({"mild": "mild", "hot": "hot|spicy", "extra_hot": "extra hot"}),
                    "How spicy",
                    "'mild'",
                ),
                Param(
                    "note|instructions|message",
                    text("ring twice|leave it at the door|call on arrival"),
                    "Note to the driver",
                    "",
                ),
            ),
            (
                "order {quantity} portions of {dish} to {address}[, {spice}][, with the note '{note}']",
                "have {quantity} portions of {dish} delivered to {address}[ and tell the driver: {note}]",
            ),
            series=("order {n} meals", "for {address}: {quantity} portions of {dish}"),
            fan="dish",
        ),
    ),
)

_SONG = "Silver Rain|Midnight Ferry|Paper Moons|Golden Hour Road|Northern Lights|Echoes of June|Slow Thunder"
_ARTIST = "The Lanterns|Mira Sol|Cobalt Choir|Juniper Vale|Static Garden|Ana Kestrel|Low Tide"

MUSIC = Domain(
    "music|audio|media.music|player",
    contexts="I'm hosting a party.|I practise every evening.|I can't get that tune out of my head.",
    tools=(
        Spec(
            "create|make|build playlist|song_list|mix",
            "Create a playlist.|Build a list of songs for a mood.",
            (
                Param(
                    "title|name|playlist_name",
                    text("Morning Run|Rainy Sunday|Deep Focus|Road Trip|Dinner Jazz|Late Shift"),
                    "Name of the playlist",
                ),
                Param(
                    "genres|styles|genre_list",
                    listing(same("jazz|folk|techno|soul|classical|rock"), 1, 3),
                    "Genres to draw from",
                ),
                Param("length|num_songs|tracks|track_count", whole(10, 80, 5), "How many songs", "25"),
                Param(
                    "explicit|allow_explicit",
                    flag("explicit songs allowed", "no explicit songs"),
                    "Allow explicit lyrics",
                    "true",
                ),
            ),
            (
                "create a playlist called {title} with {genres}[ of {length} songs][, {explicit}]",
                "make me a {genres} playlist named '{title}'[ with {length} tracks][ ({explicit})]",
            ),
            series=("make {n} playlists[, {explicit}]", "{genres} under the name {title}"),
            reply=Reply({"minutes": whole(40, 300)}, "{title} is ready; it lasts {minutes} minutes."),
        ),
        Spec(
            "transpose|shift chords|song_key|chord_progression",
            "Move chords to another key.|Transpose a chord progression by semitones.",
            (
                Param("chords|progression|chord_list", listing(text("C|G|Am|F|Dm|Em|Bb|A7|D"), 3, 4), "The chords"),
                Param("semitones|steps|half_steps|shift", whole(1, 11), "Semitones to move"),
                Param("direction|up_or_down", same("up|down"), "Which way", "'up'"),
            ),
            (
                "transpose the chords {chords} by {semitones} semitones[ {direction}]",
                "What do {chords} become when moved[ {direction}] by {semitones} half steps?",
                "shift {chords}[ {direction}] {semitones} semitones",
            ),
            fan="semitones",
        ),
        Spec(
            "find|list|search concerts|live_shows|gigs",
            "Concerts of an artist.|Upcoming live shows in a city.",
            (
                Param("artist|band|performer|musician", text(_ARTIST), "Who plays"),
                Param("city|location|place", city, "Where", "anywhere"),
                Param("year|season|in_year", year(2025, 2027), "Year", "the current one"),
                Param("max_price|ticket_limit|price_cap", amount(20, 200, 5), "Highest ticket price", "none"),
            ),
            (
                "~the concerts of {artist}[ in {city}][ in {year}][ below {max_price} dollars]",
                "When does {artist} play[ in {city}][ in {year}]?",
                "find shows by {artist}[ in {city}][ for at most ${max_price}]",
            ),
            fan="artist",
        ),
        Spec(
            "play|start song|track|music_title",
            "Play a song on a speaker.|Start music in a room.",
            (
                Param("song|title|track|song_name", text(_SONG), "The song"),
                Param("artist|by|performer", text(_ARTIST), "Who performs it"),
                Param("room|speaker|device|zone", same("kitchen|bedroom|office|garage"), "Where to play", "everywhere"),
                Param("volume|level|loudness", whole(10, 90, 5), "Volume, 0 to 100", "50"),
                Param("loop|repeat|on_repeat", flag("on repeat"), "Play again and again", "false"),
            ),
            (
                "play {song} by {artist}[ in the {room}][ at volume {volume}]",
                "start {song} from {artist}[ in the {room}][, {loop}][, volume {volume}]",
            ),
            series=("play {n} songs[ in the {room}]", "for me {song} by {artist}"),
            fan="room",
        ),
    ),
)

_FILM = "The Glass Harbor|Winter Orchard|Seven Bridges|Ashes of Noon|The Cartographer|Quiet Engines|Salt and Iron"
_BOOK = "The Salt Path Home|Winter Harbor|A Map of Small Rivers|The Clockmaker's Son|Borrowed Light|Red Kites"

SCREEN_AND_PAGE = Domain(
    "media|library|cinema|entertainment",
    contexts="It's raining outside.|My book club meets soon.|I have a free evening.",
    tools=(
        Spec(
            "get|find|list showtimes|cinema_times|screenings",
            "When a film is shown.|Screenings of a movie in a town.",
            (
                Param("film|movie|movie_title|title", text(_FILM), "Title of the film"),
                Param("town|city|location", city, "Where"),
                Param("day|date|show_date", date(2025, 2026), "Which day", "today"),
                Param(
                    "subtitled|with_subtitles|original_version",
                    flag("with subtitles", "without subtitles"),
                    "Only subtitled shows",
                    "false",
                ),
            ),
            (
                "~the showtimes of {film} in {town}[ on {day}][ {subtitled}]",
                "When is {film} on in {town}[ on {day}][ {subtitled}]?",
                "list the screenings of {film} in {town}[ on {day}]",
            ),
            series=("list the screenings of {n} films[ on {day}]", "for {film} in {town}"),
            fan="film|town",
        ),
        Spec(
            "rate|review|score movie|film|picture",
            "Save a rating for a film.|Give a movie some stars.",
            (
                Param("title|film|movie_name", text(_FILM), "Which film"),
                Param("stars|rating|score|points", number(1, 5), "Stars, 1 to 5"),
                Param(
                    "comment|remark|review_text",
                    text("too long|great acting|a weak ending|stunning pictures"),
                    "Short comment",
                    "",
                ),
                Param("spoilers|has_spoilers", flag("marked as a spoiler"), "The comment tells the plot", "false"),
            ),
            (
                "rate {title} with {stars} stars[ and the comment '{comment}'][, {spoilers}]",
                "give the film {title} {stars} stars[, remarking '{comment}']",
            ),
            series=("rate {n} films", "{stars} stars for {title}"),
        ),
        Spec(
            "reserve|borrow|request book|library_book|title",
            "Borrow a book from the library.|Reserve a title at a branch.",
            (
                Param("title|book|book_title", text(_BOOK), "Title"),
                Param("author|written_by|author_name", person, "Author"),
                Param(
                    "branch|library|pickup_branch",
                    same("Main|Northside|Harbor|Campus"),
                    "Branch to pick it up",
                    "'Main'",
                ),
                Param(
                    "format|medium|edition",
                    choice({"print": "in print", "ebook": "as an e-book", "audio": "as an audiobook"}),
                    "Form of the book",
                    "'print'",
                ),
            ),
            (
                "reserve {title} by {author}[ at the {branch} branch][ {format}]",
                "request the book '{title}' by {author}[ {format}][ from the {branch} branch]",
                "Could I borrow {title} by {author}[ {format}]?",
            ),
            series=("reserve {n} books[ at the {branch} branch]", "{title} by {author}"),
            reply=Reply({"ready_in": whole(2, 9)}, "{title} will be ready in {ready_in} days."),
        ),
        Spec(
            "format|create|generate citation|reference|bibliography_entry",
            "Format a reference.|Citation of a book in a style.",
            (
                Param("author|writer|author_name", person, "Author"),
                Param("title|work|book_title", text(_BOOK), "Title of the work"),
                Param("year|published|publication_year", year(1950, 2024), "Year of publication"),
                Param("style|citation_style|format", same("APA|MLA|Chicago"), "Citation style", "'APA'"),
            ),
            (
                "create a reference for {title} by {author} from {year}[ in {style} style]",
                "How do I cite {title} ({author}, {year})[ in {style}]?",
                "format a citation of {title}, written by {author} in {year}[, in {style} style]",
            ),
            series=("format {n} citations[ in {style}]", "for {title} by {author} from {year}"),
            fan="style",
        ),
    ),
)

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

DOMAINS = (FOOD, MUSIC, SCREEN_AND_PAGE, SPORTS, GAMES)
