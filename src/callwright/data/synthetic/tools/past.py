"""History, family trees and museums."""

from callwright.data.synthetic.spec import Domain, Param, Reply, Spec
from callwright.data.synthetic.values import choice, date, flag, listing, same, text, whole, year
from callwright.data.synthetic.words import LAST, city, country, person

HISTORY = Domain(
    "history|archive|historical|chronicle",
    contexts="I'm writing an essay.|We watched a documentary.|I'm preparing a lesson.",
    tools=(
        Spec(
            "list|find|get events|historical_events|past_events",
            "Events in a country and period.|List what happened in a place between two years.",
            (
                Param("country|place|nation", country, "The country"),
                Param("start_year|from_year|year_from", year(1100, 1500), "First year"),
                Param("end_year|to_year|year_to", year(1501, 1990), "Last year"),
                Param("theme|topic|category", same("war|science|trade|religion|art"), "Only this theme", "all"),
            ),
            (
                "list the events in {country} between {start_year} and {end_year}[ about {theme}]",
                "What happened in {country} from {start_year} to {end_year}[ in terms of {theme}]?",
                "~the historical events of {country} from {start_year} to {end_year}[, limited to {theme}]",
            ),
            series=("list the events of {n} periods[ about {theme}]", "for {country} from {start_year} to {end_year}"),
            fan="country",
        ),
        Spec(
            "get|find|identify ruler|head_of_state|monarch",
            "Who ruled in a year.|Ruler of a realm at a time.",
            (
                Param(
                    "realm|country|kingdom|empire",
                    text("Bohemia|Castile|the Ottoman Empire|Venice|Burgundy|the Inca Empire|Navarre"),
                    "The realm",
                ),
                Param("year|in_year|at_year", year(1200, 1700), "The year"),
                Param(
                    "with_reign|include_dates|show_reign",
                    flag("with the dates of the reign|and the years of the reign"),
                    "Also give the dates",
                    "false",
                ),
            ),
            (
                "the ruler of {realm} in {year}[ {with_reign}]",
                "Who ruled {realm} in the year {year}[, {with_reign}]?",
                "identify who reigned over {realm} in {year}[ {with_reign}]",
            ),
            series=("the rulers of {n} realms", "for {realm} in {year}"),
            fan="realm|year",
        ),
        Spec(
            "convert|translate calendar_date|historical_date|date_between_calendars",
            "Convert a date between calendars.|Translate a day into another calendar.",
            (
                Param("date|day|source_date", date(1900, 2020), "The day"),
                Param(
                    "calendar|target_calendar|to_calendar",
                    same("Julian|Hebrew|Islamic|Persian"),
                    "Calendar to convert to",
                ),
            ),
            (
                "convert {date} to the {calendar} calendar",
                "What is {date} in the {calendar} calendar?",
                "translate the day {date} into the {calendar} calendar",
            ),
            series=("convert {n} dates", "from {date} to the {calendar} calendar"),
            fan="calendar|date",
        ),
    ),
)

GENEALOGY = Domain(
    "genealogy|family|ancestry|family_tree",
    contexts="I'm researching my family.|We found old letters.|My aunt asked me to help.",
    tools=(
        Spec(
            "search|find|look_up birth_records|parish_records|vital_records",
            "Search old registers.|Birth, marriage and death records of a family name.",
            (
                Param("surname|last_name|family_name", text(LAST), "Family name"),
                Param("place|parish|town|birthplace", city, "Where"),
                Param("year|around|approx_year", year(1780, 1930), "Year of the record"),
                Param("record_type|type|kind", same("birth|marriage|death"), "Kind of record", "all"),
                Param("tolerance|plus_minus|range_years", whole(2, 12), "Years of tolerance", "0"),
            ),
            (
                "search records of the {surname} family in {place} around {year}[, give or take {tolerance} years]",
                "find[ {record_type}] records for the name {surname} in {place} in {year}[ with a tolerance of "
                "{tolerance} years]",
                "Are there[ {record_type}] records of anyone called {surname} in {place} from {year}?",
            ),
            series=("search records of {n} families", "for {surname} in {place} around {year}"),
            fan="surname",
            reply=Reply({"found": whole(2, 30)}, "{found} records name {surname}."),
        ),
        Spec(
            "list|get|trace ancestors|forebears|lineage",
            "Ancestors of a person.|Trace a line back some generations.",
            (
                Param("person|name|full_name|start_person", person, "Whose ancestors"),
                Param("generations|depth|levels", whole(2, 9), "How many generations"),
                Param(
                    "line|branch|side",
                    choice({"maternal": "on the mother's side", "paternal": "on the father's side"}),
                    "Which side",
                    "both",
                ),
            ),
            (
                "list the ancestors of {person} over {generations} generations[ {line}]",
                "Who are the forebears of {person}, {generations} generations back[, {line}]?",
                "trace {person}'s lineage for {generations} generations[ {line}]",
            ),
            series=("trace {n} lineages[ {line}]", "{generations} generations of {person}"),
            fan="person",
        ),
        Spec(
            "add|record|save relative|family_member|tree_entry",
            "Add someone to the family tree.|Record a relative and how they are related.",
            (
                Param("name|full_name|relative_name", person, "Name of the relative"),
                Param(
                    "relation|relationship|kinship",
                    same("mother|father|sister|brother|cousin|grandmother"),
                    "How they are related",
                ),
                Param("of_person|related_to|to_person", person, "To whom"),
                Param("birth_year|born|year_of_birth", year(1890, 2020), "Year of birth", "unknown"),
                Param("living|alive|is_living", flag("still living", "no longer living"), "Whether they live", "true"),
            ),
            (
                "add {name} as the {relation} of {of_person}[, born in {birth_year}][, {living}]",
                "record that {name} is the {relation} of {of_person}[ and was born in {birth_year}]",
            ),
            series=("add {n} relatives", "{name} as the {relation} of {of_person}"),
        ),
    ),
)

_WORK = "The Blue Kettle|Harvest at Dusk|Woman with Lute|The Iron Bridge|Still Water|Three Dancers"

MUSEUMS = Domain(
    "museum|art|gallery|culture",
    contexts="We have guests from abroad.|I love old paintings.|It's for a school trip.",
    tools=(
        Spec(
            "find|search|list artworks|paintings|collection_pieces",
            "Search a collection of art.|List works by an artist.",
            (
                Param("artist|painter|creator|made_by", person, "Who made them"),
                Param("technique|medium|material", same("oil|watercolor|bronze|charcoal|marble"), "Technique", "any"),
                Param("before|made_before|latest_year", year(1850, 2000), "Made before this year", "none"),
                Param("on_display|displayed_only", flag("that are on display"), "Only what hangs now", "false"),
            ),
            (
                "find[ {technique}] works by {artist}[ from before {before}][ {on_display}]",
                "Which pieces by {artist} do you have[, made before {before}][, in {technique}]?",
                "list the works of {artist}[ {on_display}][ made before {before}]",
            ),
            fan="artist|technique",
        ),
        Spec(
            "get|look_up|describe artwork|piece_details|object_record",
            "Details of one work of art.|Record of a piece: price, size, origin.",
            (
                Param("work|title|artwork|piece", text(_WORK), "Title of the work"),
                Param("details|fields|aspects", listing(same("size|origin|price|year"), 1, 3), "What to tell"),
                Param("language|lang", same("English|Spanish|Italian"), "Language of the answer", "'English'"),
            ),
            (
                "the {details} of '{work}'[ in {language}]",
                "look up the {details} of {work}[, in {language}]",
                "Could you tell me the {details} of the work {work}?",
            ),
            fan="work",
        ),
        Spec(
            "buy|book|reserve museum_tickets|exhibition_entry|gallery_visit",
            "Tickets for an exhibition.|Book entry to a museum.",
            (
                Param(
                    "museum|venue|gallery",
                    text("City Museum|Maritime Museum|Glass Gallery|Modern Hall|Castle Museum"),
                    "Which museum",
                ),
                Param("visit_day|date|day", date(2025, 2026), "Day of the visit"),
                Param("adults|num_adults|adult_tickets", whole(2, 8), "Number of adults"),
                Param("children|num_children|child_tickets", whole(2, 10), "Number of children", "0"),
                Param(
                    "guided|guided_tour|with_guide",
                    flag("with a guided tour|with a guide", "without a guide"),
                    "Add a guided tour",
                    "false",
                ),
            ),
            (
                "book entry to the {museum} for {adults} adults[ and {children} children] on {visit_day}[, {guided}]",
                "buy tickets for the {museum} on {visit_day} for {adults} adults[ plus {children} children][ {guided}]",
            ),
            series=("book {n} museum visits[, {guided}]", "for {adults} adults at the {museum} on {visit_day}"),
            fan="museum",
            reply=Reply({"total": whole(20, 160)}, "Your tickets for the {museum} cost {total} dollars."),
        ),
    ),
)

DOMAINS = (HISTORY, GENEALOGY, MUSEUMS)
