"""History, genealogy, law, art and museums, education."""

from callwright.data.synthetic.spec import Domain, Param, Reply, Spec
from callwright.data.synthetic.values import amount, choice, date, flag, listing, same, text, whole, year
from callwright.data.synthetic.words import LAST, city, code, company, country, person

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

LAW = Domain(
    "law|legal|court|compliance",
    contexts="Our lawyer is on leave.|I'm preparing a case.|The deadline is near.",
    tools=(
        Spec(
            "search|find|look_up court_cases|case_law|rulings",
            "Search court decisions.|Find rulings on a subject.",
            (
                Param(
                    "subject|topic|matter|issue",
                    text(
                        "breach of contract|trademark use|wrongful dismissal|tenant rights|data privacy|insurance fraud"
                    ),
                    "What it is about",
                ),
                Param(
                    "court|court_level|instance",
                    choice(
                        {
                            "supreme": "the supreme court",
                            "appeal": "the court of appeal",
                            "district": "the district court",
                        }
                    ),
                    "Which court",
                    "any",
                ),
                Param("since|from_year|after_year", year(1990, 2023), "Only from this year on", "none"),
                Param("max_results|limit|count", whole(3, 40), "How many to list", "10"),
            ),
            (
                "search for rulings on {subject}[ by {court}][ since {since}]",
                "find[ up to {max_results}] court cases about {subject}[ decided by {court}][ from {since} on]",
                "Which cases deal with {subject}[ at {court}][ since {since}]?",
            ),
            fan="subject|court",
        ),
        Spec(
            "get|explain|read statute|law_section|legal_article",
            "Text of a law.|Section of a statute.",
            (
                Param(
                    "statute|act|law_name",
                    text("Consumer Sales Act|Copyright Act|Road Traffic Act|Rental Housing Act|Company Act"),
                    "Name of the law",
                ),
                Param("section|article|paragraph", whole(2, 140), "Number of the section"),
                Param("language|lang|in_language", same("English|French|German"), "Language of the text", "'English'"),
                Param(
                    "plain|simplified|plain_language",
                    flag("in plain words|in simple language"),
                    "Explain it simply",
                    "false",
                ),
            ),
            (
                "the text of section {section} of the {statute}[ in {language}]",
                "What does section {section} of the {statute} say[, {plain}]?",
                "explain article {section} of the {statute}[ {plain}][ in {language}]",
            ),
            series=("read {n} statutes[ in {language}]", "section {section} of the {statute}"),
            fan="section",
        ),
        Spec(
            "register|file|submit trademark|brand_application|mark_application",
            "Apply for a trademark.|File a brand name for protection.",
            (
                Param(
                    "mark|brand|name|brand_name",
                    text("Solvanta|Brightoak|Nuvio|Kitebird|Ferrosun|Lumipath"),
                    "The brand name",
                ),
                Param("owner|applicant|company", company, "Who applies"),
                Param("classes|nice_classes|class_numbers", listing(whole(1, 45), 1, 3), "Classes of goods"),
                Param("territory|region|country", country, "Where to protect it", "worldwide"),
            ),
            (
                "file the trademark {mark} for {owner} in the classes {classes}[, covering {territory}]",
                "register the brand {mark} owned by {owner} in class {classes}[ for {territory}]",
            ),
            series=("file {n} trademarks for {owner}", "the mark {mark} in class {classes}"),
            fan="mark",
            reply=Reply({"file_number": code}, "{mark} is filed under {file_number}."),
        ),
        Spec(
            "calculate|estimate|get damages|compensation_sum|settlement_estimate",
            "Estimate damages in a dispute.|Compensation for losses and lost income.",
            (
                Param("losses|material_loss|direct_costs", whole(500, 60000, 500), "Direct losses"),
                Param("lost_income|income_loss|lost_earnings", whole(500, 40000, 500), "Income that was lost"),
                Param(
                    "severity|injury|injury_level",
                    choice({"minor": "minor", "serious": "serious", "permanent": "permanent"}),
                    "How bad the injury is",
                ),
                Param(
                    "fault_share|own_fault|liability_share",
                    same("none|partial|shared"),
                    "Own share of the fault",
                    "'none'",
                ),
            ),
            (
                "estimate the damages for losses of {losses}, lost income of {lost_income} and a {severity} injury"
                "[ with {fault_share} fault]",
                "How much could I claim with ${losses} of losses, ${lost_income} of lost earnings and a "
                "{severity} injury?",
            ),
            series=(
                "estimate the damages in {n} cases",
                "losses of {losses}, lost income of {lost_income} and a {severity} injury",
            ),
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

_COURSE = "Organic Chemistry|World History|Linear Algebra|Creative Writing|Data Ethics|Music Theory|Microeconomics"

EDUCATION = Domain(
    "school|education|campus|learning",
    contexts="The term starts on Monday.|My advisor sent me.|Exams are coming up.",
    tools=(
        Spec(
            "enroll|register|sign_up student|for_course|course_participant",
            "Put a student into a course.|Register someone for a class.",
            (
                Param("student|student_name|name|learner", person, "Name of the student"),
                Param("course|course_name|class_title|subject", text(_COURSE), "Course"),
                Param("term|semester|session", same("spring|summer|autumn|winter"), "Term", "the next one"),
                Param(
                    "auditing|audit|no_credit",
                    flag("without credit|as an auditor", "for credit"),
                    "Attend without credit",
                    "false",
                ),
            ),
            (
                "enroll {student} in {course}[ for the {term} term][, {auditing}]",
                "sign {student} up for {course}[ in {term}][ {auditing}]",
            ),
            series=("enroll {n} students[ for the {term} term]", "{student} in {course}"),
            fan="student|course",
            reply=Reply({"seat": whole(2, 60)}, "{student} has seat {seat} in {course}."),
        ),
        Spec(
            "compute|calculate|get final_grade|course_grade|grade_result",
            "Final grade from exam and homework.|Combine marks into a grade.",
            (
                Param("exam|exam_score|exam_points", amount(40, 100), "Points in the exam"),
                Param("homework|homework_score|assignments", amount(40, 100), "Points for homework"),
                Param(
                    "exam_weight|weight_of_exam|exam_percent", whole(40, 80, 5), "Weight of the exam in percent", "50"
                ),
                Param("curve|curved|apply_curve", flag("on a curve", "without a curve"), "Grade on a curve", "false"),
            ),
            (
                "the final grade for {exam} points in the exam and {homework} in homework"
                "[ if the exam counts {exam_weight} percent][, {curve}]",
                "compute my grade: {exam} in the exam, {homework} in homework[, graded {curve}]",
                "With {exam} points in the exam and {homework} for homework[, the exam counting {exam_weight} "
                "percent], "
                "what is my grade?",
            ),
            series=(
                "compute the grades of {n} students[ {curve}]",
                "{exam} points in the exam and {homework} in homework",
            ),
        ),
        Spec(
            "generate|create|make quiz|practice_test|exam_questions",
            "Make a quiz.|Generate questions on a subject.",
            (
                Param("subject|topic|course", text(_COURSE), "Subject"),
                Param("questions|num_questions|count", whole(5, 40), "How many questions"),
                Param(
                    "difficulty|level|hardness",
                    choice({"easy": "easy", "medium": "medium", "hard": "hard|difficult"}),
                    "How hard",
                    "'medium'",
                ),
                Param(
                    "multiple_choice|mcq",
                    flag("as multiple choice", "with open answers"),
                    "Offer answers to choose from",
                    "true",
                ),
            ),
            (
                "make a quiz on {subject} with {questions} questions[ that are {difficulty}][, {multiple_choice}]",
                "generate {questions}[ {difficulty}] questions about {subject}[ {multiple_choice}]",
            ),
            series=("create {n} quizzes[ {multiple_choice}]", "{questions} questions on {subject}"),
            fan="subject",
        ),
        Spec(
            "find|search|match tutor|private_teacher|study_coach",
            "Find a tutor.|Search private teachers for a subject.",
            (
                Param("subject|skill|topic", text(_COURSE), "What to learn"),
                Param("city|location|place", city, "Where"),
                Param("max_rate|hourly_limit|price_per_hour", amount(15, 90, 5), "Highest price an hour", "none"),
                Param("online|remote|online_lessons", flag("online", "in person"), "Lessons by video", "false"),
            ),
            (
                "find a tutor for {subject} in {city}[ for at most {max_rate} an hour][, {online}]",
                "Who teaches {subject} in {city}[ below {max_rate} dollars an hour][, {online}]?",
            ),
            series=("find {n} tutors[ below {max_rate} an hour]", "for {subject} in {city}"),
            fan="subject|city",
        ),
    ),
)

DOMAINS = (HISTORY, GENEALOGY, LAW, MUSEUMS, EDUCATION)
