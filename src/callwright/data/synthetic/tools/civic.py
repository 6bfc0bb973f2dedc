"""Law and education."""

from callwright.data.synthetic.spec import Domain, Param, Reply, Spec
from callwright.data.synthetic.values import amount, choice, flag, listing, same, text, whole, year
from callwright.data.synthetic.words import city, code, company, country, person

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

DOMAINS = (LAW, EDUCATION)
