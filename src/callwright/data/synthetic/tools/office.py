"""Calendar, messages and personnel."""

from callwright.data.synthetic.spec import Domain, Param, Reply, Spec
from callwright.data.synthetic.values import (
    amount,
    choice,
    clock,
    date,
    flag,
    joined,
    listing,
    record,
    same,
    text,
    whole,
)
from callwright.data.synthetic.words import code, email, person, town

CALENDAR = Domain(
    "calendar|schedule|planner|agenda",
    contexts="My week is full.|I keep forgetting things.|The team is spread over the world.",
    tools=(
        Spec(
            "create|add|schedule event|meeting|calendar_entry",
            "Put an event into the calendar.|Schedule a meeting on a day.",
            (
                Param(
                    "title|subject|event_name|topic",
                    text("budget review|design workshop|dentist visit|team lunch|project kickoff|parents evening"),
                    "Title of the event",
                ),
                Param("day|date|event_date|on_date", date(2025, 2026), "Day of the event"),
                Param("start|start_time|begins_at|at", clock(), "Start"),
                Param("minutes|duration|length_minutes", whole(15, 180, 15), "Length in minutes", "60"),
                Param("attendees|participants|guests", listing(person, 1, 3), "Who is invited", "nobody"),
            ),
            (
                "schedule the {title} on {day} at {start}[ for {minutes} minutes][ with {attendees}]",
                "put {title} into my calendar on {day}, {start}[, lasting {minutes} minutes]",
                "add a {title} at {start} on {day}[ and invite {attendees}]",
            ),
            series=("add {n} entries[ of {minutes} minutes each]", "for the {title} on {day} at {start}"),
            reply=Reply({"event_id": code}, "The {title} is in your calendar as {event_id}."),
        ),
        Spec(
            "count|get|compute days_between|date_difference|working_days",
            "Days between two dates.|Count calendar or working days.",
            (
                Param("start_date|from_date|first_day", date(2022, 2023), "First day"),
                Param("end_date|to_date|last_day", date(2024, 2026), "Last day"),
                Param(
                    "workdays_only|business_days|skip_weekends",
                    flag("counting working days only|without weekends"),
                    "Leave out weekends",
                    "false",
                ),
            ),
            (
                "the number of days from {start_date} to {end_date}[, {workdays_only}]",
                "How many days are there between {start_date} and {end_date}[, {workdays_only}]?",
                "count the days between {start_date} and {end_date}[ {workdays_only}]",
            ),
            series=("count the days in {n} periods", "from {start_date} to {end_date}"),
            fan="end_date",
        ),
        Spec(
            "set|create|add reminder|alert|notification",
            "Remind the user of something.|Create an alert at a time.",
            (
                Param(
                    "message|text|what|note",
                    text(
                        "water the plants|call the plumber|pay the rent|take the pills|feed the cat|renew the passport"
                    ),
                    "What to be reminded of",
                ),
                Param("time|at|remind_at|when", clock(), "When"),
                Param(
                    "repeat|frequency|recurrence",
                    choice({"daily": "every day", "weekly": "every week", "monthly": "every month"}),
                    "How often",
                    "once",
                ),
                Param(
                    "priority|importance|urgency",
                    choice({"high": "as urgent", "low": "with low priority"}),
                    "How important",
                    "'normal'",
                ),
            ),
            (
                "remind me to {message} at {time}[ {repeat}]",
                "set a reminder at {time} to {message}[ {repeat}][, marked {priority}]",
            ),
            series=("set {n} reminders[ {repeat}]", "for {time} to {message}"),
            fan="time",
        ),
        Spec(
            "convert|translate meeting_time|time_zone|local_time",
            "Convert a time between cities.|What a time is in another place.",
            (
                Param("time|clock_time|source_time", clock(), "The time"),
                Param("from_city|source_city|origin_zone", town, "City where that is the time"),
                Param("to_city|target_city|destination_zone", town, "City to convert to"),
            ),
            (
                "convert {time} in {from_city} to the time in {to_city}",
                "If it is {time} in {from_city}, what time is it in {to_city}?",
                "translate {time} {from_city} time into {to_city} time",
            ),
            series=("convert {n} times", "from {time} in {from_city} to {to_city} time"),
            fan="to_city",
        ),
    ),
)

MESSAGES = Domain(
    "messaging|mail|communication|contacts",
    contexts="I'm on my way to the airport.|Please be quick.|My hands are full.",
    tools=(
        Spec(
            "send|write|compose email|mail_message|e_mail",
            "Send an email.|Write a mail to an address.",
            (
                Param("recipient|to|address|to_address", email, "Address of the recipient"),
                Param(
                    "subject|title|subject_line",
                    text("Invoice for May|Lunch on Friday|Contract draft|Office keys|Trip photos"),
                    "Subject",
                ),
                Param(
                    "body|message|content|text",
                    text("Please find it attached.|Are you free at noon?|I will be late.|Thank you for your help."),
                    "Text of the mail",
                ),
                Param("cc|copy_to|carbon_copy", listing(email, 1, 2), "Who gets a copy", "nobody"),
                Param(
                    "urgent|high_priority|important",
                    flag("marked as urgent|with high priority"),
                    "Mark as urgent",
                    "false",
                ),
            ),
            (
                "send an email to {recipient} with the subject '{subject}' and the text '{body}'[, copying "
                "{cc}][, {urgent}]",
                'write to {recipient}, subject "{subject}", saying "{body}"[, with a copy to {cc}]',
            ),
            series=("send {n} emails[, {urgent}]", "for {recipient}, subject '{subject}', text '{body}'"),
            fan="recipient",
            reply=Reply({"message_id": code}, "Your mail to {recipient} went out as {message_id}."),
        ),
        Spec(
            "translate|render phrase|text_snippet|sentence",
            "Translate a text.|Render a phrase in another language.",
            (
                Param(
                    "text|phrase|sentence|source_text",
                    text(
                        "Where is the station?|The soup is cold.|See you tomorrow.|I lost my key.|Happy "
                        "birthday!|How much is this?"
                    ),
                    "What to translate",
                ),
                Param(
                    "target|language|target_language|to_language",
                    text("Portuguese|Finnish|Swahili|Turkish|Korean|Dutch|Polish"),
                    "Language to translate to",
                ),
                Param(
                    "formal|polite|formal_tone",
                    flag("in a formal tone|politely", "in a casual tone"),
                    "Use the formal tone",
                    "false",
                ),
            ),
            (
                "translate '{text}' into {target}[ {formal}]",
                'How do you say "{text}" in {target}[, {formal}]?',
                "put the sentence '{text}' into {target}[ {formal}]",
            ),
            series=("translate {n} sentences[ {formal}]", "for '{text}' into {target}"),
            fan="target",
        ),
        Spec(
            "add|save|create contact|address_book_entry|person_entry",
            "Save a contact.|Add someone to the address book.",
            (
                Param("name|full_name|contact_name", person, "Name"),
                Param(
                    "details|contact_details|reach",
                    record(
                        "phone {phone} and email {email}",
                        phone=(joined("555|020|089", "1044|2381|7750|9126", between="-"), "Phone number"),
                        email=(email, "Email address"),
                    ),
                    "How to reach the person",
                ),
                Param("group|category|label", same("friends|work|family"), "Group", "none"),
                Param("favorite|starred|is_favorite", flag("as a favorite"), "Mark as favourite", "false"),
            ),
            (
                "save {name} with {details}[ in the {group} group][ {favorite}]",
                "add a contact for {name}, {details}[, under {group}]",
            ),
            series=("save {n} contacts[ in the {group} group]", "for {name} with {details}"),
        ),
        Spec(
            "post|publish|share status|social_post|channel_message",
            "Post to a channel.|Publish a message with tags.",
            (
                Param("channel|platform|room|where", same("general|random|support|announcements"), "Channel"),
                Param(
                    "text|message|content",
                    text("The new menu is out.|We are hiring.|Doors open at nine.|Servers are back.|Thanks, everyone!"),
                    "What to post",
                ),
                Param("tags|hashtags|labels", listing(text("news|jobs|events|help|fun"), 1, 3), "Tags", "none"),
                Param("pinned|pin|pin_to_top", flag("pinned to the top"), "Pin it", "false"),
            ),
            (
                "post '{text}' to the {channel} channel[ with the tags {tags}][, {pinned}]",
                'share "{text}" in {channel}[, tagged {tags}][, {pinned}]',
            ),
            series=("publish {n} posts[ with the tags {tags}]", "for {channel}: '{text}'"),
            fan="channel",
        ),
    ),
)

PERSONNEL = Domain(
    "hr|personnel|jobs|staff",
    contexts="It's review season.|I'm new in this office.|We're short of people.",
    tools=(
        Spec(
            "search|find|list job_openings|vacancies|open_positions",
            "Search open jobs.|List vacancies in a field and a place.",
            (
                Param(
                    "role|job_title|position|profession",
                    text("nurse|welder|data engineer|accountant|florist|bus driver|architect"),
                    "Profession",
                ),
                Param("city|location|place", town, "Where"),
                Param(
                    "min_salary|salary_from|lowest_salary", whole(25000, 120000, 5000), "Lowest yearly salary", "none"
                ),
                Param(
                    "remote|home_office|remote_ok",
                    flag("that can be done remotely|with home office"),
                    "Only remote work",
                    "false",
                ),
                Param(
                    "hours|employment|contract",
                    choice({"full_time": "full time", "part_time": "part time"}),
                    "Working hours",
                    "any",
                ),
            ),
            (
                "find open positions for a {role} in {city}[ paying at least {min_salary}][, {hours}]",
                "Are there jobs for a {role} in {city}[ {remote}][ from {min_salary} a year]?",
                "list {role} vacancies in {city}[, {hours}]",
            ),
            series=("search {n} kinds of jobs[ {remote}]", "for a {role} in {city}"),
            fan="city|role",
        ),
        Spec(
            "request|book|submit leave|vacation|time_off",
            "Ask for days off.|Submit a leave request.",
            (
                Param("employee|employee_name|staff_member|name", person, "Who"),
                Param("first_day|start_date|from_date|starting", date(2025, 2026), "First day off"),
                Param("days|num_days|length", whole(2, 25), "How many days"),
                Param("kind|leave_type|reason", same("vacation|sick|parental|unpaid"), "Kind of leave", "'vacation'"),
            ),
            (
                "request {days} days off for {employee} from {first_day}[ as {kind} leave]",
                "book[ {kind}] leave for {employee}, {days} days starting on {first_day}",
            ),
            series=("submit {n} leave requests[ as {kind} leave]", "for {employee}: {days} days from {first_day}"),
            fan="employee",
            reply=Reply({"days_left": whole(1, 20)}, "The request of {employee} is in; {days_left} days are left."),
        ),
        Spec(
            "calculate|compute|get overtime_pay|overtime_wage|extra_hours_pay",
            "Pay for overtime.|Wage for extra hours at a factor.",
            (
                Param("hourly_wage|wage|base_rate|pay_per_hour", amount(12, 80), "Normal wage an hour"),
                Param("extra_hours|overtime_hours|hours", amount(2, 40), "Extra hours"),
                Param("factor|multiplier|overtime_factor", amount(2, 3), "Factor on the wage", "1.5"),
                Param("night|night_shift|at_night", flag("at night", "during the day"), "Worked at night", "false"),
            ),
            (
                "the overtime pay for {extra_hours} hours at {hourly_wage} an hour[ with a factor of "
                "{factor}][, worked {night}]",
                "How much do I earn for {extra_hours} extra hours[ {night}] at a wage of {hourly_wage} dollars?",
            ),
            series=("compute {n} overtime payments", "{extra_hours} hours at {hourly_wage} an hour"),
            fan="extra_hours",
        ),
    ),
)

DOMAINS = (CALENDAR, MESSAGES, PERSONNEL)
