"""Smart home and health."""

from callwright.data.synthetic.spec import Domain, Param, Reply, Spec
from callwright.data.synthetic.values import amount, choice, clock, date, flag, listing, number, same, text, whole
from callwright.data.synthetic.words import person

_ROOM = "kitchen|bedroom|hallway|office|living room|garage|bathroom"

SMART_HOME = Domain(
    "home|smart_home|devices|house",
    contexts="I'm in bed already.|We have visitors.|I just left the house.",
    tools=(
        Spec(
            "set|adjust|dim lights|lamp_brightness|lighting",
            "Set the lights of a room.|Adjust brightness and colour of lamps.",
            (
                Param("room|area|zone|location", text(_ROOM), "Which room"),
                Param("brightness|level|intensity|percent", whole(5, 100, 5), "Brightness from 0 to 100"),
                Param("color|colour|light_color|tint", same("white|red|blue|amber|green"), "Colour", "'white'"),
                Param("fade|fade_seconds|transition", whole(2, 30), "Seconds to fade", "0"),
            ),
            (
                "set the {room} lights to {brightness} percent[ in {color}][ over {fade} seconds]",
                "dim the lights in the {room} to {brightness}%[, {color}][, fading for {fade} seconds]",
            ),
            series=("adjust the lights in {n} rooms[ to {color}]", "for the {room} to {brightness} percent"),
            fan="room",
            reply=Reply({"state": text("on|updated|set")}, "The lights in the {room} are {state}."),
        ),
        Spec(
            "set|change|regulate thermostat|room_temperature|heating",
            "Set the temperature of a room.|Change what the thermostat aims for.",
            (
                Param("room|zone|area", text(_ROOM), "Which room"),
                Param("temperature|target|degrees|setpoint", number(15, 27), "Wanted temperature in degrees"),
                Param("until|end_time|hold_until", clock(), "Hold until", "the next change"),
                Param(
                    "mode|heating_mode|preset",
                    choice({"eco": "in eco mode", "comfort": "in comfort mode"}),
                    "Mode",
                    "'comfort'",
                ),
            ),
            (
                "set the {room} to {temperature} degrees[ until {until}][ {mode}]",
                "change the temperature in the {room} to {temperature} degrees[, {mode}][, held until {until}]",
            ),
            series=("change the heating in {n} rooms[ until {until}]", "for the {room} to {temperature} degrees"),
            fan="room",
        ),
        Spec(
            "start|send|run robot_vacuum|vacuum_cleaner|floor_cleaning",
            "Start the robot vacuum.|Clean the floors of some rooms.",
            (
                Param("rooms|areas|zones", listing(text(_ROOM), 1, 3), "Rooms to clean"),
                Param(
                    "power|suction|mode",
                    choice({"quiet": "quietly", "normal": "normally", "turbo": "at full power"}),
                    "Suction",
                    "'normal'",
                ),
                Param("mop|wet|with_mop", flag("and mop too|with mopping", "without mopping"), "Also mop", "false"),
            ),
            (
                "vacuum the {rooms}[ {power}][ {mop}]",
                "start the robot vacuum in the {rooms}[, {power}][, {mop}]",
            ),
            series=("run {n} cleanings[ {power}]", "for the {rooms}"),
        ),
        Spec(
            "lock|arm|secure door|entrance|door_lock",
            "Lock a door.|Secure an entrance with a delay.",
            (
                Param(
                    "door|entrance|which|door_name", same("front door|back door|garage door|garden gate"), "Which door"
                ),
                Param("delay_minutes|after_minutes|delay", whole(2, 60), "Wait so many minutes", "0"),
                Param(
                    "alarm|arm_alarm|with_alarm",
                    flag("with the alarm armed|and arm the alarm", "without the alarm"),
                    "Arm the alarm too",
                    "false",
                ),
            ),
            (
                "lock the {door}[ in {delay_minutes} minutes][ {alarm}]",
                "secure the {door}[ {alarm}][ after {delay_minutes} minutes]",
            ),
            fan="door",
        ),
    ),
)

HEALTH = Domain(
    "health|medical|wellness|clinic",
    asking="find|get|check|tell me|work out",
    contexts="My doctor asked me to keep track.|I started a new routine.|I'm filling in a form.",
    tools=(
        Spec(
            "calculate|estimate|get calories_burned|energy_burned|workout_calories",
            "Calories that an activity burns.|Energy spent in a workout.",
            (
                Param(
                    "activity|sport|exercise|workout", same("swimming|rowing|cycling|dancing|running"), "What was done"
                ),
                Param("minutes|duration|duration_minutes", whole(10, 150, 5), "For how many minutes"),
                Param("weight_kg|body_weight|weight", amount(45, 120), "Body weight in kilograms"),
                Param(
                    "intensity|effort|pace",
                    choice({"light": "light", "moderate": "moderate", "vigorous": "vigorous"}),
                    "How hard",
                    "'moderate'",
                ),
            ),
            (
                "~the calories burned by {minutes} minutes of {activity} at a weight of {weight_kg} kg[, at "
                "{intensity} effort]",
                "How many calories does a person of {weight_kg} kilograms burn in {minutes} minutes of {activity}"
                "[ with {intensity} effort]?",
            ),
            series=(
                "estimate the calories of {n} workouts[ at {intensity} effort]",
                "{minutes} minutes of {activity} at {weight_kg} kg",
            ),
            fan="activity|minutes",
        ),
        Spec(
            "calculate|compute|get medication_dose|drug_dose|dose_for_patient",
            "Dose of a medicine by weight.|Milligrams for a patient and how often.",
            (
                Param(
                    "drug|medication|medicine",
                    text("ibuprofen|amoxicillin|paracetamol|cetirizine|prednisone"),
                    "The medicine",
                ),
                Param("patient_weight|weight_kg|body_weight", amount(8, 110), "Weight of the patient in kg"),
                Param("mg_per_kg|dose_per_kg|dosage", amount(2, 30), "Milligrams for each kg"),
                Param("times_a_day|doses_per_day|frequency", whole(2, 4), "How often a day", "1"),
            ),
            (
                "the dose of {drug} for a patient of {patient_weight} kg at {mg_per_kg} mg per kg[, "
                "{times_a_day} times a day]",
                "How much {drug} does someone weighing {patient_weight} kg get at {mg_per_kg} mg/kg"
                "[ if taken {times_a_day} times a day]?",
            ),
            series=("compute {n} doses", "{patient_weight} kg and {mg_per_kg} mg per kg of {drug}"),
            fan="patient_weight",
        ),
        Spec(
            "book|make|schedule appointment|doctor_visit|consultation",
            "Book a visit to a doctor.|Make an appointment with a specialist.",
            (
                Param("patient|patient_name|name", person, "Name of the patient"),
                Param(
                    "specialty|doctor_type|department",
                    same("dermatology|cardiology|dentistry|orthopedics"),
                    "Which specialist",
                ),
                Param("date|day|visit_date", date(2025, 2026), "Day of the visit"),
                Param("time|at|visit_time", clock(), "Time of the visit", "any"),
                Param(
                    "first_visit|new_patient|is_new",
                    flag("as a new patient", "as a returning patient"),
                    "First visit there",
                    "false",
                ),
            ),
            (
                "book {patient} into {specialty} on {date}[ at {time}][, {first_visit}]",
                "make an appointment in {specialty} for {patient} on {date}[, {time}][, {first_visit}]",
            ),
            series=("book {n} appointments", "for {patient} in {specialty} on {date}"),
            reply=Reply({"room": whole(1, 40)}, "{patient} is expected in room {room}."),
        ),
        Spec(
            "log|record|save blood_pressure|vital_signs|pressure_reading",
            "Save a blood pressure reading.|Record vital signs.",
            (
                Param("systolic|upper|sys", whole(95, 180), "Upper value in mmHg"),
                Param("diastolic|lower|dia", whole(55, 94), "Lower value in mmHg"),
                Param("pulse|heart_rate|bpm", whole(48, 130), "Heart rate in bpm", "not measured"),
                Param(
                    "after_exercise|post_exercise|active",
                    flag("after exercise", "at rest"),
                    "Measured after exercise",
                    "false",
                ),
            ),
            (
                "log a blood pressure of {systolic} over {diastolic}[ with a pulse of {pulse}][, {after_exercise}]",
                "save my reading: {systolic}/{diastolic}[, pulse {pulse}][, measured {after_exercise}]",
            ),
            series=("record {n} blood pressures", "{systolic} over {diastolic}"),
        ),
        Spec(
            "get|look_up|check nutrients|nutrition_facts|food_values",
            "Nutrients in a food.|Protein, fat and sugar of an amount of food.",
            (
                Param(
                    "food|food_item|product|item",
                    text("almonds|lentils|salmon|oatmeal|avocado|tofu|quinoa"),
                    "The food",
                ),
                Param("grams|amount|weight_grams|portion", whole(20, 500, 10), "Grams"),
                Param(
                    "nutrients|values|components",
                    listing(same("protein|fat|sugar|fiber|iron"), 1, 3),
                    "Nutrients to report",
                    "all",
                ),
            ),
            (
                "~the nutrition facts of {grams} grams of {food}[, limited to {nutrients}]",
                "What is in {grams} g of {food}[ in terms of {nutrients}]?",
                "look up {grams} grams of {food}[ and tell me the {nutrients}]",
            ),
            series=("check {n} foods[ for {nutrients}]", "{grams} grams of {food}"),
            fan="food",
        ),
    ),
)

DOMAINS = (SMART_HOME, HEALTH)
