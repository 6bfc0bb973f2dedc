"""Gardens and farms, building and energy."""

from callwright.data.synthetic.spec import COMPUTING, Domain, Param, Spec
from callwright.data.synthetic.values import amount, flag, rate, same, text, whole
from callwright.data.synthetic.words import city

_CROP = "wheat|barley|maize|potatoes|soybeans|sunflowers|rice"

FARMING = Domain(
    "farm|agriculture|garden|agro",
    asking=COMPUTING,
    contexts="The season starts soon.|I inherited some land.|We had a dry spring.",
    tools=(
        Spec(
            "estimate|predict|forecast crop_yield|harvest_size|yield_estimate",
            "Expected harvest of a field.|Yield of a crop on an area.",
            (
                Param("crop|plant|crop_name", text(_CROP), "What is grown"),
                Param("hectares|area|field_size|area_ha", amount(2, 400), "Area in hectares"),
                Param("soil|soil_type|ground", same("sandy|clay|loam|peat"), "Kind of soil", "'loam'"),
                Param(
                    "organic|is_organic|organic_farming",
                    flag("grown organically", "grown conventionally"),
                    "Organic farming",
                    "false",
                ),
            ),
            (
                "the yield of {hectares} hectares of {crop}[ on {soil} soil][, {organic}]",
                "How much {crop} can I harvest from {hectares} hectares[ of {soil} soil][, {organic}]?",
            ),
            series=("estimate the harvest of {n} fields[, {organic}]", "{hectares} hectares of {crop}"),
            fan="crop",
        ),
        Spec(
            "plan|compute|get irrigation|water_demand|watering_amount",
            "Water that a field needs.|Plan irrigation for a crop.",
            (
                Param("crop|plant|culture", text(_CROP), "The crop"),
                Param("area_m2|square_meters|surface", whole(50, 9000, 50), "Area in square meters"),
                Param("rain_mm|rainfall|expected_rain", amount(2, 80), "Rain expected, in mm"),
                Param("days|period|num_days", whole(3, 30), "Days to plan for", "7"),
            ),
            (
                "the water that {area_m2} square meters of {crop} need with {rain_mm} mm of rain[ over {days} days]",
                "plan the irrigation of {area_m2} m2 of {crop} given {rain_mm} mm of rain[ for {days} days]",
            ),
            series=(
                "plan the irrigation of {n} fields[ for {days} days]",
                "{area_m2} m2 of {crop} and {rain_mm} mm of rain",
            ),
            fan="area_m2",
        ),
        Spec(
            "find|suggest|recommend planting_date|sowing_time|best_planting_time",
            "When to plant something.|Best sowing time for a plant in a place.",
            (
                Param(
                    "plant|vegetable|seed|species",
                    text("tomatoes|garlic|carrots|pumpkins|tulips|peas|basil"),
                    "What to plant",
                ),
                Param("location|city|place|region", city, "Where"),
                Param(
                    "indoors|greenhouse|under_glass",
                    flag("in a greenhouse|indoors", "outdoors"),
                    "Protected from frost",
                    "false",
                ),
            ),
            (
                "the best time to plant {plant} in {location}[ {indoors}]",
                "When should I sow {plant} in {location}[, {indoors}]?",
            ),
            series=("recommend planting dates for {n} plants[ {indoors}]", "for {plant} in {location}"),
            fan="plant|location",
        ),
        Spec(
            "calculate|mix|get fertilizer|fertilizer_need|nutrient_need",
            "How much fertilizer an area needs.|Amount of a nutrient for a field.",
            (
                Param("nutrient|element|fertilizer_type", same("nitrogen|phosphorus|potassium"), "The nutrient"),
                Param("area_ha|hectares|field_area", amount(2, 120), "Area in hectares"),
                Param("kg_per_ha|target_rate|dose", whole(20, 200, 5), "Kilograms for each hectare"),
                Param("efficiency|uptake|efficiency_rate", rate(40, 95), "Share that the plants take up", ""),
            ),
            (
                "the {nutrient} needed for {area_ha} hectares at {kg_per_ha} kg per hectare[ and an uptake of "
                "{efficiency}]",
                "How much {nutrient} do {area_ha} hectares take at {kg_per_ha} kg/ha[ with {efficiency} efficiency]?",
            ),
            series=(
                "calculate the fertilizer for {n} fields",
                "{area_ha} hectares and {kg_per_ha} kg of {nutrient} each",
            ),
            fan="nutrient",
        ),
    ),
)

BUILDING = Domain(
    "diy|construction|crafts|workshop|renovation",
    asking=COMPUTING,
    contexts="We're renovating.|The shop closes soon.|I'm building a shed.",
    tools=(
        Spec(
            "calculate|estimate|get paint_needed|paint_amount|liters_of_paint",
            "Paint for a wall.|Liters of paint from size and coats.",
            (
                Param("wall_width|width|width_m", amount(2, 20), "Width in meters"),
                Param("wall_height|height|height_m", amount(2, 8), "Height in meters"),
                Param("coats|layers|num_coats", whole(2, 4), "Coats of paint", "1"),
                Param("coverage|m2_per_liter|spread_rate", amount(6, 14), "Square meters for each liter", "10"),
            ),
            (
                "the paint needed for a wall {wall_width} meters wide and {wall_height} meters high[ with "
                "{coats} coats]",
                "How much paint covers a {wall_width} m by {wall_height} m wall[ in {coats} coats]"
                "[ if a liter covers {coverage} square meters]?",
            ),
            series=(
                "estimate the paint for {n} walls[ with {coats} coats]",
                "a width of {wall_width} m and a height of {wall_height} m",
            ),
            fan="wall_width",
        ),
        Spec(
            "calculate|order|count tiles|tile_count|floor_tiles",
            "Tiles for a floor.|Number of tiles from room and tile size.",
            (
                Param("room_size|room_area|area_m2|floor", amount(4, 90), "Area in square meters"),
                Param(
                    "tile_length|tile_cm|length_cm|tile_side", whole(10, 90, 5), "Side of a square tile in centimeters"
                ),
                Param("waste|spare_share|extra", rate(5, 15), "Share for cutting loss", ""),
            ),
            (
                "~the tiles of {tile_length} cm needed for {room_size} square meters[ with {waste} waste]",
                "How many {tile_length} cm tiles do I need for a floor of {room_size} m2[, adding {waste} for waste]?",
            ),
            series=(
                "count the tiles for {n} floors[ with {waste} waste]",
                "{room_size} square meters and {tile_length} cm tiles",
            ),
            fan="tile_length",
        ),
        Spec(
            "calculate|mix|get concrete|concrete_volume|concrete_mix",
            "Concrete for a slab.|Volume of concrete from length, width and thickness.",
            (
                Param("slab_length|length|length_m", amount(2, 30), "Length in meters"),
                Param("slab_width|width|width_m", amount(2, 20), "Width in meters"),
                Param("thickness_cm|thickness|depth_cm", whole(8, 40), "Thickness in centimeters"),
                Param(
                    "reinforced|with_steel|rebar",
                    flag("with steel reinforcement|reinforced", "without reinforcement"),
                    "Add steel",
                    "false",
                ),
            ),
            (
                "the concrete for a slab of {slab_length} by {slab_width} meters, {thickness_cm} cm thick[, "
                "{reinforced}]",
                "How much concrete does a {slab_length} m x {slab_width} m slab of {thickness_cm} cm take[, "
                "{reinforced}]?",
            ),
            series=(
                "calculate the concrete for {n} slabs[ {reinforced}]",
                "{slab_length} by {slab_width} meters and {thickness_cm} cm",
            ),
        ),
        Spec(
            "estimate|simulate|get solar_output|solar_yield|panel_production",
            "Energy from solar panels.|Yearly output of a solar roof in a place.",
            (
                Param("panels|num_panels|panel_count", whole(4, 60), "How many panels"),
                Param("watts_per_panel|panel_watts|rated_power", whole(250, 500, 10), "Power of a panel in watts"),
                Param("location|city|site", city, "Where the roof is"),
                Param("tilt|tilt_angle|roof_angle", whole(10, 60), "Tilt in degrees", "35"),
                Param("system_loss|losses|loss_rate", rate(5, 25), "Losses of the system", ""),
            ),
            (
                "the output of {panels} panels of {watts_per_panel} watts in {location}[ at a tilt of {tilt} degrees]"
                "[ and losses of {system_loss}]",
                "How much power would {panels} solar panels with {watts_per_panel} W each give in {location}"
                "[, tilted {tilt} degrees][, with {system_loss} losses]?",
            ),
            series=(
                "estimate {n} solar roofs[ with losses of {system_loss}]",
                "{panels} panels of {watts_per_panel} W in {location}",
            ),
            fan="location|panels",
        ),
        Spec(
            "compute|estimate|get carbon_footprint|co2_emissions|emission_estimate",
            "Emissions of a way of travelling.|Carbon footprint for a distance.",
            (
                Param(
                    "vehicle|transport|means", same("train|bus|petrol car|airplane|electric car"), "Means of transport"
                ),
                Param("distance_km|distance|kilometers", amount(10, 5000, 10), "Distance in kilometers"),
                Param("passengers|riders|sharing", whole(2, 5), "How many share the ride", "1"),
            ),
            (
                "~the emissions of {distance_km} km by {vehicle}[ shared by {passengers} people]",
                "How much CO2 comes from going {distance_km} kilometers by {vehicle}[ with {passengers} people]?",
            ),
            series=("estimate the emissions of {n} trips", "for {distance_km} km by {vehicle}"),
            fan="vehicle|distance_km",
        ),
    ),
)

DOMAINS = (FARMING, BUILDING)
