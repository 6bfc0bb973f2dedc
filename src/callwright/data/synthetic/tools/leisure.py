"""Food, music, films and books."""

from callwright.data.synthetic.spec import Domain, Param, Reply, Spec
from callwright.data.synthetic.values import amount, choice, clock, date, flag, listing, number, same, text, whole, year
from callwright.data.synthetic.words import city, person, street

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

DOMAINS = (FOOD, MUSIC, SCREEN_AND_PAGE)
