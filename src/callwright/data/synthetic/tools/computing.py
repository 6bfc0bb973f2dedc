"""Databases, servers and files."""

from callwright.data.synthetic.spec import Domain, Param, Reply, Spec
from callwright.data.synthetic.values import (
    choice,
    flag,
    joined,
    listing,
    record,
    same,
    text,
    whole,
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

DOMAINS = (DATABASE, SYSTEMS)
