"""Calendar, messaging, databases, servers and text, personnel."""

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

_TABLE = "customers|invoices|shipments|employees|sensors|tickets"
_COLUMN = same("id|name|email|city|total|created_at|status")

DATABASE = Domain(
    "db|database|sql|data_store",
    contexts="The dashboard is down.|I'm cleaning up old data.|Our auditor is asking.",
    tools=(
        Spec(
            "select|query|read rows|table_rows|records",
            "Read rows of a table.|Query columns of a database table.",
            (
                Param("table|table_name|source_table|from_table", text(_TABLE), "Table to read"),
                Param("columns|fields|select|column_names", listing(_COLUMN, 1, 3), "Columns to return"),
                Param("limit|max_rows|row_limit", whole(5, 500, 5), "At most so many rows", "100"),
                Param("order_by|sort_by|sort_column", _COLUMN, "Column to sort by", "none"),
                Param(
                    "descending|reverse|desc",
                    flag("in descending order", "in ascending order"),
                    "Sort downwards",
                    "false",
                ),
            ),
            (
                "query the columns {columns} of the {table} table[, sorted by {order_by}][, at most {limit} rows]",
                "read {columns} from {table}[ {descending}][, limited to {limit} rows]",
                "~the {columns} columns from the table {table}[ ordered by {order_by}]",
            ),
            series=("query {n} tables[, at most {limit} rows each]", "for {columns} from {table}"),
            fan="table",
        ),
        Spec(
            "update|change|set record|row_value|field_value",
            "Change one field of a record.|Update a row by its id.",
            (
                Param("table|table_name|in_table", text(_TABLE), "Table"),
                Param("record_id|row_id|id|key", whole(100, 9900), "Id of the row"),
                Param(
                    "changes|values|new_values",
                    record(
                        "{field} to {value}",
                        field=(text("status|city|owner"), "Column"),
                        value=(text("closed|Lisbon|open|Oslo|archived"), "New value"),
                    ),
                    "What to change",
                ),
                Param(
                    "dry_run|simulate|test_only",
                    flag("as a dry run", "for real"),
                    "Only show what would change",
                    "false",
                ),
            ),
            (
                "update record {record_id} in {table}: set {changes}[, {dry_run}]",
                "in the {table} table, change {changes} for the row {record_id}[ {dry_run}]",
            ),
            series=("update {n} records[ {dry_run}]", "for row {record_id} of {table}, setting {changes}"),
        ),
        Spec(
            "count|group|aggregate entries|rows_by|table_summary",
            "Count rows by a column.|Aggregate a table.",
            (
                Param("table|dataset|from_table", text(_TABLE), "Table"),
                Param("group_by|by|grouping_column", _COLUMN, "Column to group by"),
                Param(
                    "function|aggregate|operation",
                    choice({"count": "counts", "sum": "sums", "avg": "averages"}),
                    "What to compute",
                    "'count'",
                ),
                Param("having_min|minimum|at_least", whole(5, 90, 5), "Leave out smaller groups", "0"),
            ),
            (
                "group the {table} table by {group_by}[ and give {function}][, leaving out groups below {having_min}]",
                "How many entries does {table} have for each {group_by}[, ignoring groups under {having_min}]?",
            ),
            series=("summarise {n} tables[ with {function}]", "for {table} by {group_by}"),
            fan="table",
        ),
        Spec(
            "backup|export|dump table|database_copy|data_export",
            "Export a table to a file.|Back up data in a file format.",
            (
                Param("table|table_name|what", text(_TABLE), "Table to export"),
                Param("format|file_format|output_format", same("csv|json|parquet|xml"), "File format"),
                Param(
                    "path|file|destination|output_file",
                    joined("backup/|exports/|tmp/", "may|q3|full|daily", between=""),
                    "Where to write",
                ),
                Param("compress|zipped|gzip", flag("compressed", "uncompressed"), "Compress the file", "false"),
            ),
            (
                "export {table} as {format} to {path}[, {compress}]",
                "back up the {table} table into {path} in {format} format[ ({compress})]",
            ),
            series=("export {n} tables[, {compress}]", "for {table} as {format} to {path}"),
            fan="table|format",
        ),
    ),
)

_SERVER = joined("web|db|cache|mail", "01|02|07|13", between="-")

SYSTEMS = Domain(
    "ops|system|files|devtools",
    contexts="The pager went off.|I'm on call.|We release today.",
    tools=(
        Spec(
            "restart|reboot|stop server|service|machine",
            "Restart a server.|Stop and start a machine.",
            (
                Param("server|host|hostname|machine", _SERVER, "Name of the machine"),
                Param("delay|wait_seconds|delay_seconds", whole(5, 300, 5), "Seconds to wait first", "0"),
                Param(
                    "force|forced|hard", flag("by force|forcibly", "gracefully"), "Do not wait for processes", "false"
                ),
            ),
            (
                "restart {server}[ {force}][ after {delay} seconds]",
                "reboot the machine {server}[ in {delay} seconds][, {force}]",
            ),
            fan="server",
            reply=Reply({"uptime": whole(1, 50)}, "{server} is back and has been up for {uptime} seconds."),
        ),
        Spec(
            "search|grep|scan logs|log_files|log_lines",
            "Search log files.|Find lines in the logs of a service.",
            (
                Param("service|app|application", text("checkout|billing|gateway|search|auth"), "Which service"),
                Param(
                    "pattern|text|contains|search_text",
                    text("timeout|connection refused|out of memory|disk full|invalid token"),
                    "What to find",
                ),
                Param("level|severity|log_level", same("error|warning|info"), "Level of the lines", "all"),
                Param("hours|last_hours|window_hours", whole(2, 72), "How far back, in hours", "24"),
            ),
            (
                "search the {service} logs for '{pattern}'[ at level {level}][ in the last {hours} hours]",
                'Does "{pattern}" occur in the logs of {service}[ during the last {hours} hours]?',
                "find lines with {pattern} in the {service} logs[, {level} only]",
            ),
            series=("scan {n} logs[ for the last {hours} hours]", "for '{pattern}' in {service}"),
            fan="service|pattern",
        ),
        Spec(
            "resize|scale|shrink image|picture|photo_file",
            "Change the size of an image.|Scale a picture file.",
            (
                Param(
                    "file|filename|image|path",
                    joined("holiday|logo|portrait|map|banner", ".png|.jpg", between=""),
                    "Image file",
                ),
                Param("width|width_px|new_width", whole(100, 2400, 20), "New width in pixels"),
                Param("height|height_px|new_height", whole(100, 2000, 20), "New height in pixels"),
                Param(
                    "keep_ratio|preserve_aspect|lock_ratio",
                    flag("keeping the proportions", "ignoring the proportions"),
                    "Keep the proportions",
                    "true",
                ),
            ),
            (
                "resize {file} to {width} by {height} pixels[, {keep_ratio}]",
                "scale the image {file} to a width of {width} and a height of {height} pixels[ {keep_ratio}]",
            ),
            series=("resize {n} images[ {keep_ratio}]", "for {file} to {width} by {height} pixels"),
            fan="file",
        ),
        Spec(
            "replace|substitute|edit words|text_occurrences|string_in_text",
            "Replace words in a file.|Substitute a string by another one.",
            (
                Param(
                    "file|document|path|filename",
                    joined("report|notes|readme|draft|contract", ".txt|.md", between=""),
                    "File to edit",
                ),
                Param(
                    "find|old|search_for|old_text", text("colour|fiscal|Mr. Brown|version 1|left"), "What to replace"
                ),
                Param(
                    "replacement|new|replace_with|new_text",
                    text("color|annual|Ms. Green|version 2|right"),
                    "What to put there",
                ),
                Param(
                    "ignore_case|case_insensitive|any_case",
                    flag("ignoring case", "respecting case"),
                    "Ignore upper and lower case",
                    "false",
                ),
            ),
            (
                "replace '{find}' with '{replacement}' in {file}[, {ignore_case}]",
                'in {file}, change every "{find}" to "{replacement}"[ {ignore_case}]',
            ),
            series=("edit {n} files[ {ignore_case}]", "for {file}: '{find}' becomes '{replacement}'"),
            fan="file",
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

DOMAINS = (CALENDAR, MESSAGES, DATABASE, SYSTEMS, PERSONNEL)
