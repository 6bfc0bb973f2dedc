"""Chemistry, biology and astronomy."""

from callwright.data.synthetic.spec import COMPUTING, Domain, Param, Reply, Spec
from callwright.data.synthetic.values import amount, date, flag, listing, number, rate, same, text, whole
from callwright.data.synthetic.words import city

_CHEMICAL = "NaCl|H2SO4|CaCO3|C6H12O6|KMnO4|NH3|HNO3|Mg(OH)2|Fe2O3|C2H5OH|AgNO3|NaOH"

CHEMISTRY = Domain(
    "chemistry|chem|lab|chemtools",
    asking=COMPUTING,
    contexts="I'm preparing tomorrow's lab.|We're short of stock in the lab.|I'm writing a safety sheet.",
    tools=(
        Spec(
            "get|calculate|look_up molar_mass|molecular_weight|formula_mass",
            "Molar mass of a compound.|Molecular weight from a chemical formula.",
            (
                Param("formula|compound|chemical|substance", text(_CHEMICAL), "Chemical formula"),
                Param("decimals|precision", whole(1, 5), "Decimal places", "3"),
            ),
            (
                "the molar mass of {formula}[ to {decimals} decimal places]",
                "How much does one mole of {formula} weigh?",
                "look up the molecular weight of {formula}[, rounded to {decimals} decimals]",
            ),
            fan="formula",
        ),
        Spec(
            "dilute|plan|calculate solution|dilution|stock_dilution",
            "How much stock a dilution needs.|Volume of stock solution for a target concentration.",
            (
                Param("stock_molarity|stock_concentration|c1", number(2, 18), "Concentration of the stock in mol/L"),
                Param("target_molarity|final_concentration|c2", number(0.1, 1.9, 2), "Wanted concentration in mol/L"),
                Param("volume_ml|final_volume|v2", whole(50, 2000, 50), "Wanted volume in milliliters"),
                Param("solvent|diluent", same("water|ethanol|acetone"), "Solvent", "'water'"),
            ),
            (
                "dilute a {stock_molarity} M stock to {volume_ml} ml of {target_molarity} M[ in {solvent}]",
                "How much {stock_molarity} molar stock do I need for {volume_ml} ml at {target_molarity} molar"
                "[, diluted with {solvent}]?",
            ),
            series=(
                "plan {n} dilutions[ in {solvent}]",
                "from {stock_molarity} M to {volume_ml} ml of {target_molarity} M",
            ),
        ),
        Spec(
            "calculate|compute|find gas_pressure|ideal_gas_pressure|pressure_of_gas",
            "Pressure of an ideal gas.|Pressure from moles, temperature and volume.",
            (
                Param("moles|n|amount_mol", number(0.5, 12), "Amount of gas in moles"),
                Param("temperature|temp_k|kelvin", whole(200, 600), "Temperature in kelvin"),
                Param("volume|volume_l|liters", amount(1, 80), "Volume in liters"),
            ),
            (
                "the pressure of {moles} moles of gas at {temperature} K in {volume} liters",
                "What pressure do {moles} mol of an ideal gas have in a {volume} L tank at {temperature} kelvin?",
            ),
            series=("the pressures of {n} gas tanks", "{moles} moles at {temperature} K in {volume} liters"),
            fan="temperature",
        ),
        Spec(
            "balance|solve reaction|chemical_equation|stoichiometry",
            "Balance a chemical reaction.|Find the coefficients of a chemical equation.",
            (
                Param(
                    "reactants|left_side|inputs",
                    listing(text("H2|O2|Fe|CH4|Na|Cl2|N2|Al|KClO3|C3H8"), 2, 2),
                    "Formulas that react",
                ),
                Param(
                    "products|right_side|outputs",
                    listing(text("H2O|CO2|Fe2O3|NaCl|NH3|Al2O3|KCl"), 1, 2),
                    "Formulas formed",
                ),
            ),
            (
                "balance the reaction of {reactants} to {products}",
                "Which coefficients balance the equation where {reactants} form {products}?",
                "balance a chemical equation with the reactants {reactants} and the products {products}",
            ),
            series=("balance {n} reactions", "{reactants} as reactants and {products} as products"),
        ),
        Spec(
            "compute|get remaining_isotope|radioactive_remainder|decay_amount",
            "How much of an isotope is left.|Radioactive decay after a time.",
            (
                Param(
                    "isotope|nuclide|element",
                    text("iodine-131|cobalt-60|radon-222|caesium-137|tritium|carbon-14"),
                    "The isotope",
                ),
                Param("initial_grams|initial_amount|start_mass", amount(5, 500, 5), "Amount at the start, in grams"),
                Param("elapsed|time|elapsed_time", whole(2, 60), "Time that has passed"),
                Param("time_unit|unit", same("days|years|hours"), "Unit of the time"),
            ),
            (
                "the remainder of {initial_grams} grams of {isotope} after {elapsed} {time_unit}",
                "How many of {initial_grams} g of {isotope} remain after {elapsed} {time_unit}?",
                "compute the decay of {initial_grams} g of {isotope} over {elapsed} {time_unit}",
            ),
            series=("compute the decay of {n} samples", "{initial_grams} g of {isotope} after {elapsed} {time_unit}"),
            fan="isotope",
        ),
    ),
)

BIOLOGY = Domain(
    "biology|genetics|bio|wildlife",
    contexts="I'm a first-year biology student.|It's for our field notes.|We're preparing an exhibition.",
    tools=(
        Spec(
            "transcribe|translate|convert dna_strand|dna_sequence|nucleotides",
            "Turn DNA into RNA or protein.|Transcribe or translate a DNA sequence.",
            (
                Param(
                    "sequence|dna|bases|strand",
                    text("ATGCGTACC|TTAGGCATA|GGCATTACG|CCATGGAAT|ATGTTTCCA|GATTACAGG|ACGTACGTT"),
                    "DNA bases",
                ),
                Param("output|target|result_type", same("mRNA|protein"), "What to produce", "'mRNA'"),
                Param("reverse|reverse_strand", flag("read in reverse"), "Read the strand backwards", "false"),
            ),
            (
                "transcribe the DNA sequence {sequence}[ into {output}][, {reverse}]",
                "convert the strand {sequence}[ to {output}]",
                "What does the DNA {sequence} turn into[ as {output}]?",
            ),
            fan="sequence",
        ),
        Spec(
            "simulate|predict|model bacterial_growth|culture_growth|colony_size",
            "Size of a bacterial culture over time.|Exponential growth of a colony.",
            (
                Param("initial_cells|start_count|n0", whole(100, 9000, 100), "Number of cells at the start"),
                Param("doubling_minutes|doubling_time|generation_time", whole(15, 90, 5), "Minutes per doubling"),
                Param("hours|duration|growth_hours", amount(1, 24), "Hours of growth"),
            ),
            (
                "simulate the growth of {initial_cells} bacteria that double every {doubling_minutes} minutes over "
                "{hours} hours",
                "How many bacteria are there after {hours} hours, starting from {initial_cells} with a doubling "
                "time of "
                "{doubling_minutes} minutes?",
            ),
            series=(
                "simulate {n} cultures",
                "{initial_cells} cells, a doubling time of {doubling_minutes} minutes and {hours} hours",
            ),
            fan="hours",
        ),
        Spec(
            "get|look_up|fetch species_profile|animal_facts|species_info",
            "Facts about an animal or plant species.|Profile of a species: range, diet, status.",
            (
                Param(
                    "species|organism|animal|species_name",
                    text(
                        "snow leopard|emperor penguin|red panda|monarch butterfly|giant sequoia|blue whale|barn "
                        "owl|axolotl"
                    ),
                    "Common name",
                ),
                Param("topics|fields|sections", listing(same("diet|habitat|lifespan|status"), 1, 3), "What to include"),
            ),
            (
                "the {topics} of the {species}",
                "look up the {topics} of the {species}",
                "What can you tell me about the {topics} of the {species}?",
            ),
            fan="species",
        ),
        Spec(
            "estimate|compute|get carrier_count|gene_carriers|carriers_in_group",
            "How many people carry a recessive gene.|Expected carriers in a group, from how common a disease is.",
            (
                Param("group_size|people|cohort", whole(500, 60000, 500), "People in the group"),
                Param("disease_rate|prevalence|affected_share", rate(1, 20), "Share of people with the disease"),
                Param(
                    "sex_linked|x_linked",
                    flag("for a sex-linked gene", "for a gene that is not sex-linked"),
                    "Gene lies on the X chromosome",
                    "false",
                ),
            ),
            (
                "the number of carriers among {group_size} people when {disease_rate} have the disease[, {sex_linked}]",
                "How many of {group_size} people carry a gene whose disease affects {disease_rate} of them[, "
                "{sex_linked}]?",
            ),
            series=(
                "estimate the carriers in {n} groups[ {sex_linked}]",
                "{group_size} people and a disease rate of {disease_rate}",
            ),
            fan="group_size",
        ),
        Spec(
            "log|record|report bird_sighting|wildlife_sighting|animal_observation",
            "Record an animal that was seen.|Store a wildlife observation.",
            (
                Param(
                    "animal|species|creature",
                    text("kingfisher|red fox|otter|white stork|lynx|grey heron|badger|osprey"),
                    "What was seen",
                ),
                Param(
                    "location|place|site|area",
                    text("Lake Mirov|Harlow Wood|the Elm marshes|Kestrel Ridge|Stony Creek"),
                    "Where",
                ),
                Param("count|number_seen|how_many", whole(2, 30), "How many", "1"),
                Param("seen_on|date|observed_on", date(), "Day of the sighting", "today"),
            ),
            (
                "log a sighting of a {animal} at {location}[ on {seen_on}]",
                "record that I saw a {animal} at {location}[ on {seen_on}]",
                "report a {animal} near {location}[, {count} of them][, seen on {seen_on}]",
            ),
            series=("log {n} sightings[ on {seen_on}]", "for a {animal} at {location}"),
            reply=Reply({"sighting_id": whole(1000, 9999)}, "Your {animal} is recorded under number {sighting_id}."),
        ),
    ),
)

_PLANET = "Mercury|Venus|Mars|Jupiter|Saturn|Uranus|Neptune"

ASTRONOMY = Domain(
    "astronomy|sky|space|observatory",
    contexts="I'm going stargazing.|Our club meets this week.|I just bought a telescope.",
    tools=(
        Spec(
            "get|look_up moon_phase|lunar_phase|phase_of_moon",
            "Phase of the moon on a day.|How the moon looks on a date.",
            (
                Param("date|day|on_date", date(), "The day"),
                Param("hemisphere|viewed_from", same("northern|southern"), "Hemisphere of the viewer", "'northern'"),
            ),
            (
                "the phase of the moon on {date}[ in the {hemisphere} hemisphere]",
                "How will the moon look on {date}[ from the {hemisphere} hemisphere]?",
            ),
            fan="date",
            reply=Reply(
                {"phase": text("new moon|waxing crescent|full moon|last quarter")}, "The moon shows a {phase} then."
            ),
        ),
        Spec(
            "find|locate|get planet_position|planet_in_sky|planet_altitude",
            "Where a planet stands in the sky.|Altitude and direction of a planet seen from a city.",
            (
                Param("planet|body|object", text(_PLANET), "The planet"),
                Param("city|location|observer_city|seen_from", city, "City of the observer"),
                Param("date|night_of|day", date(), "Day of the observation", "tonight"),
            ),
            (
                "the position of {planet} in the sky over {city}[ on {date}]",
                "Where can I see {planet} from {city}[ on {date}]?",
                "locate {planet} as seen from {city}[ on {date}]",
            ),
            series=("locate {n} planets[ on {date}]", "for {planet} as seen from {city}"),
            fan="planet|city",
            reply=Reply(
                {"altitude": whole(5, 80), "direction": text("south|east|west|southeast")},
                "{planet} stands {altitude} degrees above the horizon in the {direction}.",
            ),
        ),
        Spec(
            "compute|calculate|get light_travel_time|signal_delay|time_for_light",
            "How long light needs for a distance.|Signal delay over a distance in space.",
            (
                Param("distance|separation|span", amount(2, 900), "The distance"),
                Param("unit|distance_unit", same("km|au|light-years|parsecs"), "Unit of the distance"),
            ),
            (
                "the time light takes for {distance} {unit}",
                "How long does a signal travel over {distance} {unit}?",
                "compute the light travel time for a distance of {distance} {unit}",
            ),
            series=("the travel times of light over {n} distances", "for {distance} {unit}"),
            fan="distance",
        ),
        Spec(
            "weigh|calculate|convert weight_on_planet|planet_weight|surface_weight",
            "What something weighs on another planet.|Weight on a planet's surface.",
            (
                Param("mass|mass_kg|earth_weight|kilograms", amount(2, 150), "Mass in kilograms"),
                Param("planet|world|target_planet", text(_PLANET), "The planet"),
            ),
            (
                "the weight of {mass} kilograms on {planet}",
                "What would {mass} kg weigh on {planet}?",
                "convert a mass of {mass} kg to its weight on {planet}",
            ),
            series=("weigh {n} things", "{mass} kg on {planet}"),
            fan="planet",
        ),
    ),
)

DOMAINS = (CHEMISTRY, BIOLOGY, ASTRONOMY)
