"""Geometry, algebra and statistics."""

from callwright.data.synthetic.spec import COMPUTING, Domain, Param, Spec
from callwright.data.synthetic.values import amount, choice, flag, listing, number, rate, same, text, whole

_UNIT = Param("unit|units|length_unit", same("cm|m|mm|inches|feet"), "Unit of the lengths", "'m'")
_PRECISION = Param(
    "precision|decimals|decimal_places|round_to", whole(1, 6), "Number of decimal places in the result", "2"
)

GEOMETRY = Domain(
    "geometry|geo|shapes|geometry_tools",
    asking=COMPUTING,
    contexts="I'm helping my daughter with her homework.|We're designing a part for a machine.|It's for a maths quiz.",
    tools=(
        Spec(
            "calculate|compute|get trapezoid_area|area_of_trapezoid|trapezium_surface",
            "Calculate the area of a trapezoid.|Area of a trapezoid from its two parallel sides and its height.",
            (
                Param("long_base|side_a|base1|bottom", amount(31, 80), "Length of the longer parallel side"),
                Param("short_base|side_b|base2|top", amount(2, 30), "Length of the shorter parallel side"),
                Param("height|h|altitude", amount(2, 40), "Distance between the parallel sides"),
                _UNIT,
                _PRECISION,
            ),
            (
                "the area of a trapezoid with parallel sides of {long_base} and {short_base} and a height of {height}"
                "[, measured in {unit}]",
                "calculate the area of a trapezoid whose bases are {long_base} and {short_base} and whose height is "
                "{height}[, rounded to {precision} decimal places]",
                "A trapezoid has bases of {long_base} and {short_base} and is {height} high[ (in {unit})]. "
                "What is its area?",
            ),
            series=(
                "work out the areas of {n} trapezoids[, in {unit}]",
                "bases of {long_base} and {short_base} and a height of {height}",
            ),
        ),
        Spec(
            "calculate|find|compute cone_volume|volume_of_cone|cone_capacity",
            "Compute the volume of a circular cone.|Volume of a cone given the radius of its base and its height.",
            (
                Param("radius|r|base_radius|cone_radius", amount(1, 40), "Radius of the base"),
                Param("height|h|cone_height", amount(2, 90), "Height of the cone"),
                _UNIT,
                Param(
                    "truncated|is_truncated", flag("treating it as truncated"), "Whether the tip is cut off", "false"
                ),
            ),
            (
                "the volume of a cone with a radius of {radius}[ {unit}] and a height of {height}",
                "the volume of a cone that is {height} tall and has a base radius of {radius}[ {unit}][, {truncated}]",
                "How much does a cone hold if its base has a radius of {radius} and its height is {height}?",
            ),
            series=("the volumes of {n} cones[ in {unit}]", "a base radius of {radius} and a height of {height}"),
            fan="height",
        ),
        Spec(
            "compute|get|estimate ellipse_perimeter|ellipse_circumference|oval_outline",
            "Approximate the perimeter of an ellipse.|Circumference of an ellipse from its two semi-axes.",
            (
                Param("semi_major|major_axis|a", amount(41, 90), "The semi-major axis, in meters"),
                Param("semi_minor|minor_axis|b", amount(2, 40), "The semi-minor axis, in meters"),
                Param("method|formula", same("ramanujan|euler|series"), "Approximation to use", "'ramanujan'"),
            ),
            (
                "the perimeter of an ellipse with semi-axes of {semi_major} and {semi_minor} meters"
                "[ using the {method} method]",
                "How long is the outline of an oval track with semi-axes {semi_major} m and {semi_minor} m?",
                "approximate an ellipse's circumference for a semi-major axis of {semi_major} m and a semi-minor axis "
                "of {semi_minor} m[ with the {method} formula]",
            ),
            series=(
                "approximate the circumference of {n} ellipses[ with the {method} formula]",
                "a semi-major axis of {semi_major} m and a semi-minor axis of {semi_minor} m",
            ),
        ),
        Spec(
            "get|calculate|find polygon_interior_angle|regular_polygon_angle|ngon_angle",
            "Interior angle of a regular polygon.|Find the size of each interior angle of a regular polygon.",
            (
                Param("sides|num_sides|n|side_count", whole(5, 30), "How many sides the polygon has"),
                Param(
                    "in_radians|radians", flag("in radians", "in degrees"), "Give radians instead of degrees", "false"
                ),
            ),
            (
                "the interior angle of a regular polygon with {sides} sides[ {in_radians}]",
                "How large is each interior angle of a regular {sides}-sided polygon[, {in_radians}]?",
                "compute[, {in_radians},] the angle inside a regular polygon that has {sides} sides",
            ),
            fan="sides",
        ),
        Spec(
            "calculate|compute|measure arc_length|circle_arc_length|length_of_arc",
            "Length of a circular arc.|Compute how long an arc of a circle is.",
            (
                Param("radius|r|circle_radius", amount(1, 50), "Radius of the circle"),
                Param("angle|central_angle|theta", amount(10, 350), "Central angle of the arc, in degrees"),
                _PRECISION,
            ),
            (
                "the length of an arc with a radius of {radius} and a central angle of {angle} degrees"
                "[ to {precision} decimals]",
                "measure the arc that an angle of {angle} degrees cuts from a circle of radius {radius}",
                "How long is an arc of {angle} degrees on a circle with radius {radius}?",
            ),
            series=("the lengths of {n} arcs", "a radius of {radius} and an angle of {angle} degrees"),
            fan="angle|radius",
        ),
        Spec(
            "rotate|turn|transform point|point_2d|coordinates",
            "Rotate a point in the plane around another point.|Turn a 2D point by an angle.",
            (
                Param("point|coords|xy|position", listing(whole(-20, 20), 2, 2), "The point as [x, y]"),
                Param("degrees|angle|rotation", whole(15, 345, 15), "Rotation angle in degrees"),
                Param("center|pivot|origin", listing(whole(-9, 9), 2, 2), "The point to rotate around", "[0, 0]"),
                Param("clockwise|cw", flag("clockwise", "counterclockwise"), "Direction of the rotation", "false"),
            ),
            (
                "rotate the point {point} by {degrees} degrees[ {clockwise}][ around {center}]",
                "turn {point} by {degrees} degrees[ about the pivot {center}][, {clockwise}]",
                "Where does the point {point} end up after a rotation of {degrees} degrees[ {clockwise}]?",
            ),
            series=("rotate {n} points", "for {point} by {degrees} degrees"),
            fan="degrees",
        ),
    ),
)

ALGEBRA = Domain(
    "algebra|math|numbers|mathlib|number_theory",
    asking=COMPUTING,
    contexts="I'm checking an old exam.|This is for my algebra class.|I need it for a proof.",
    tools=(
        Spec(
            "solve|find_root_of linear_equation|line_equation|first_degree_equation",
            "Solve a*x + b = c for x.|Find x in the linear equation a*x + b = c.",
            (
                Param("a|slope|coefficient|coef_a", amount(2, 30), "Factor of x"),
                Param("b|offset|constant|coef_b", amount(1, 50), "Number added to a*x"),
                Param("c|right_side|result|rhs", amount(5, 99), "Right-hand side"),
            ),
            (
                "solve the equation {a}x + {b} = {c}",
                "What is x if {a}x + {b} = {c}?",
                "solve a linear equation with a = {a}, b = {b} and c = {c}",
            ),
            series=("solve {n} linear equations", "for {a}x + {b} = {c}"),
        ),
        Spec(
            "evaluate|compute polynomial|polynomial_value|poly",
            "Evaluate a polynomial at a point.|Value of the polynomial with the given coefficients at x.",
            (
                Param("coefficients|coeffs|terms", listing(whole(-9, 12), 2, 4), "Coefficients, highest degree first"),
                Param("x|at|point|variable", amount(1, 20), "Where to evaluate"),
            ),
            (
                "evaluate the polynomial with coefficients {coefficients} at x = {x}",
                "the value at x = {x} of the polynomial whose coefficients are {coefficients}",
                "What do you get if you plug {x} into the polynomial with coefficients {coefficients}?",
            ),
            fan="x",
        ),
        Spec(
            "convert|change number_base|base_of_number|radix",
            "Convert a number from one base to another.|Rewrite a number given in one radix in another radix.",
            (
                Param(
                    "digits|number|value|numeral", text("1011|7F3|2210|110101|A9|3021|ff|777|10010|4D2"), "The digits"
                ),
                Param("from_base|source_base|base_from", whole(2, 9), "Base the number is written in"),
                Param("to_base|target_base|base_to", whole(10, 36), "Base to convert to"),
            ),
            (
                "convert {digits} from base {from_base} to base {to_base}",
                "rewrite the base {from_base} number {digits} in base {to_base}",
                "How do you write {digits} (base {from_base}) in base {to_base}?",
            ),
            series=("convert {n} numbers", "for {digits} from base {from_base} to base {to_base}"),
            fan="to_base",
        ),
        Spec(
            "get|calculate|find least_common_multiple|common_multiple|lcm_value",
            "Smallest number that all given numbers divide.|Least common multiple of a list of integers.",
            (
                Param("numbers|integers|values|nums", listing(whole(4, 90), 2, 4), "The integers"),
                Param("show_steps|explain|steps", flag("and show the steps"), "Also return each step", "false"),
            ),
            (
                "the least common multiple of {numbers}[ {show_steps}]",
                "find the smallest number that {numbers} all divide[ {show_steps}]",
                "What's the LCM of {numbers}?",
            ),
            series=("the least common multiples of {n} lists", "for {numbers}"),
        ),
        Spec(
            "compute|evaluate|get modular_power|mod_exponent|power_modulo",
            "Raise a number to a power modulo another.|Compute base^exponent mod modulus.",
            (
                Param("base|number|b", whole(2, 60), "Number to be raised"),
                Param("exponent|power|e", whole(2, 40), "Power"),
                Param("modulus|mod|m", whole(5, 97), "Modulus"),
            ),
            (
                "compute {base} to the power of {exponent} modulo {modulus}",
                "{base}^{exponent} mod {modulus}",
                "What is the remainder when {base} raised to {exponent} is divided by {modulus}?",
            ),
            series=("compute {n} modular powers", "for {base}^{exponent} mod {modulus}"),
            fan="modulus",
        ),
        Spec(
            "sum|list|get arithmetic_progression|arithmetic_series|progression_terms",
            "Terms and sum of an arithmetic progression.|Build an arithmetic sequence and add it up.",
            (
                Param("first_term|start|initial_value|a1", whole(1, 40), "First term"),
                Param("step|difference|common_difference|d", whole(2, 15), "Difference between neighbours"),
                Param("count|terms|length|n", whole(5, 60), "How many terms"),
                Param("only_sum|sum_only", flag("giving only the sum"), "Leave out the terms", "false"),
            ),
            (
                "the arithmetic progression that starts at {first_term} with a common difference of {step} and has "
                "{count} terms[, {only_sum}]",
                "sum the first {count} terms of the arithmetic sequence starting at {first_term} with step {step}",
                "What do the first {count} numbers of the sequence add up to, if it begins with {first_term} and grows "
                "by {step} each time?",
            ),
            series=("sum {n} arithmetic sequences", "{count} terms starting at {first_term} with steps of {step}"),
        ),
    ),
)

_TAIL = choice({"two-sided": "two-sided|two-tailed", "less": "lower-tailed", "greater": "upper-tailed"})

STATISTICS = Domain(
    "stats|statistics|analysis|data_stats|probability",
    asking=COMPUTING,
    contexts="I'm analysing a small survey.|We ran an experiment last week.|This goes into our lab report.",
    tools=(
        Spec(
            "calculate|compute weighted_average|weighted_mean|mean_with_weights",
            "Weighted mean of some values.|Average values, each counted with its weight.",
            (
                Param("values|scores|data|numbers", listing(whole(40, 100), 3, 3), "The values"),
                Param("weights|factors|importance", listing(whole(1, 9), 3, 3, repeats=True), "One weight a value"),
            ),
            (
                "the weighted average of {values} with weights {weights}",
                "compute the mean of {values}, weighted by {weights}",
                "My grades are {values} and they count {weights}. What is my weighted average?",
            ),
        ),
        Spec(
            "find|get|compute percentile|data_percentile|quantile_value",
            "Value below which a share of the data lies.|Percentile of a list of numbers.",
            (
                Param("data|values|sample|observations", listing(number(1, 90), 4, 6), "The observations"),
                Param("percentile|p|percent_rank", whole(5, 95, 5), "Percentile to find, 0 to 100"),
                Param(
                    "interpolation|method", same("linear|lower|nearest"), "What to do between two points", "'linear'"
                ),
            ),
            (
                "the {percentile}th percentile of {data}[ using {interpolation} interpolation]",
                "find percentile {percentile} in the data {data}[ with the {interpolation} method]",
                "Below which value do {percentile} percent of these numbers lie: {data}?",
            ),
            fan="percentile",
        ),
        Spec(
            "calculate|compute|get z_score|standard_score|zscore",
            "How many standard deviations a value lies from the mean.|Standardise a single observation.",
            (
                Param("value|observation|x|score", amount(60, 150), "The observed value"),
                Param("mean|average|mu|population_mean", amount(50, 120), "Mean of the population"),
                Param("std_dev|sigma|standard_deviation|sd", amount(2, 25), "Standard deviation of the population"),
            ),
            (
                "the z-score of {value} when the mean is {mean} and the standard deviation is {std_dev}",
                "standardise a score of {value} against a mean of {mean} and a standard deviation of {std_dev}",
                "How unusual is a value of {value} if the average is {mean} with a standard deviation of {std_dev}?",
            ),
            series=("the z-scores for {n} tests", "a score of {value}, a mean of {mean} and a deviation of {std_dev}"),
            fan="value",
        ),
        Spec(
            "estimate|plan|calculate survey_size|required_sample_size|respondents_needed",
            "How many people a survey needs.|Sample size for a given margin of error and confidence.",
            (
                Param("population|population_size|total_people", whole(500, 90000, 500), "Size of the population"),
                Param("margin|margin_of_error|error", rate(1, 8), "Accepted margin of error"),
                Param("confidence|confidence_level", rate(80, 99), "Level of confidence", ""),
            ),
            (
                "the sample size for a population of {population} and a margin of error of {margin}"
                "[ at {confidence} confidence]",
                "How many people must I ask out of {population} for a {margin} margin of error"
                "[ and a confidence of {confidence}]?",
                "plan a survey of {population} people with an error of at most {margin}",
            ),
            series=(
                "estimate the sample sizes of {n} surveys",
                "a population of {population} and an error of {margin}",
            ),
            fan="population",
        ),
        Spec(
            "predict|fit|forecast linear_trend|trend_value|straight_line_fit",
            "Fit a straight line and predict a value.|Predict y at a new x with a linear fit through known points.",
            (
                Param("x_values|xs|inputs|x_data", listing(whole(1, 12), 3, 3), "Known x values"),
                Param("y_values|ys|outputs|y_data", listing(number(2, 50), 3, 3), "Known y values"),
                Param("x_new|predict_at|target_x|new_x", whole(13, 30), "Where to predict"),
            ),
            (
                "fit a line through x = {x_values} and y = {y_values} and predict the value at {x_new}",
                "the predicted y at x = {x_new} given the x values {x_values} and y values {y_values}",
                "If x is {x_values} and y is {y_values}, what will y be at {x_new}?",
            ),
            fan="x_new",
        ),
        Spec(
            "test|run|compare proportion_test|mean_difference_test|ab_test",
            "Test whether two groups differ.|Compare the conversion of two variants of an experiment.",
            (
                Param("group_a|control|successes_a", whole(20, 180), "Successes in the first group"),
                Param("group_b|treatment|successes_b", whole(20, 180), "Successes in the second group"),
                Param("group_size|n|participants", whole(200, 2000, 50), "People in each group"),
                Param("alternative|hypothesis", _TAIL, "Alternative hypothesis", "'two-sided'"),
                Param("alpha|significance|significance_level", rate(1, 10), "Significance level", ""),
            ),
            (
                "run an A/B test with {group_a} successes against {group_b} in groups of {group_size}"
                "[ at a significance of {alpha}][ as a {alternative} test]",
                "Do {group_a} and {group_b} conversions out of {group_size} each differ"
                "[, in a {alternative} test][ at a level of {alpha}]?",
                "compare two groups of {group_size} people with {group_a} and {group_b} successes[, {alternative}]",
            ),
            series=(
                "compare the groups of {n} experiments",
                "{group_a} against {group_b} successes out of {group_size}",
            ),
        ),
    ),
)

DOMAINS = (GEOMETRY, ALGEBRA, STATISTICS)
