"""Physics, electricity, chemistry, biology and astronomy."""

from callwright.data.synthetic.spec import COMPUTING, Domain, Param, Reply, Spec
from callwright.data.synthetic.values import amount, date, flag, listing, number, rate, same, text, whole
from callwright.data.synthetic.words import city

PHYSICS = Domain(
    "physics|mechanics|physics_lab|phys",
    asking=COMPUTING,
    contexts="We're doing a classroom experiment.|I'm revising for a physics test.|It's for a simulation.",
    tools=(
        Spec(
            "calculate|compute|get spring_energy|elastic_energy|energy_in_spring",
            "Energy stored in a stretched spring.|Elastic potential energy from the spring constant and extension.",
            (
                Param("spring_constant|k|stiffness", amount(20, 900, 10), "Spring constant in N/m"),
                Param("extension|displacement|stretch|x", number(0.1, 3, 2), "How far it is stretched, in meters"),
                Param("unit|energy_unit", same("J|kJ|cal"), "Unit of the result", "'J'"),
            ),
            (
                "the energy in a spring with a constant of {spring_constant} N/m stretched by {extension} m[, "
                "in {unit}]",
                "How much energy does a spring of stiffness {spring_constant} N/m hold when extended by "
                "{extension} meters[, in {unit}]?",
                "work out the elastic energy for k = {spring_constant} and an extension of {extension} m",
            ),
            series=(
                "compute the energy of {n} springs[ in {unit}]",
                "a constant of {spring_constant} N/m and an extension of {extension} m",
            ),
            fan="extension",
        ),
        Spec(
            "calculate|simulate|get projectile_range|throw_distance|launch_range",
            "How far a projectile flies over flat ground.|Horizontal range of a thrown object.",
            (
                Param("speed|initial_speed|launch_velocity|v0", amount(5, 120), "Launch speed in m/s"),
                Param("angle|launch_angle|elevation", whole(10, 80), "Launch angle in degrees"),
                Param("height|start_height|initial_height", amount(1, 40), "Launch height in meters", "0"),
                Param(
                    "air_resistance|drag|include_drag",
                    flag("with air resistance|including drag"),
                    "Model drag",
                    "false",
                ),
            ),
            (
                "the range of a projectile launched at {speed} m/s at an angle of {angle} degrees"
                "[ from a height of {height} m][, {air_resistance}]",
                "How far does a ball fly if thrown at {speed} meters per second and {angle} degrees"
                "[, starting {height} meters up]?",
                "simulate a throw at {speed} m/s, {angle} degrees[, {air_resistance}]",
            ),
            series=("the ranges of {n} projectiles", "a speed of {speed} m/s and an angle of {angle} degrees"),
            fan="angle|speed",
        ),
        Spec(
            "get|compute|find pendulum_period|swing_time|period_of_pendulum",
            "Period of a simple pendulum.|How long one swing of a pendulum takes.",
            (
                Param("length|pendulum_length|string_length|l", number(0.2, 9, 2), "Length in meters"),
                Param("gravity|g|gravitational_acceleration", number(1.6, 24, 2), "Gravity in m/s^2", "9.81"),
            ),
            (
                "the period of a pendulum {length} meters long[ with a gravity of {gravity} m/s^2]",
                "How long does a pendulum of {length} m take for one swing[ where gravity is {gravity} m/s^2]?",
                "get the swing time for a {length} m pendulum[, taking g = {gravity}]",
            ),
            fan="length",
        ),
        Spec(
            "compute|estimate water_pressure|pressure_at_depth|hydrostatic_pressure",
            "Pressure below the surface of a liquid.|Hydrostatic pressure at a depth.",
            (
                Param("depth|depth_m|meters_below", amount(2, 300), "Depth in meters"),
                Param("fluid|liquid|medium", same("fresh water|sea water|oil|mercury"), "The liquid", "'fresh water'"),
                Param(
                    "include_air|add_atmosphere",
                    flag("including the air above", "ignoring the air above"),
                    "Add one atmosphere",
                    "true",
                ),
            ),
            (
                "the pressure at a depth of {depth} meters[ in {fluid}][, {include_air}]",
                "How high is the pressure {depth} m below the surface[ of {fluid}]?",
                "estimate the hydrostatic pressure {depth} m down[ in {fluid}][ {include_air}]",
            ),
            fan="depth",
        ),
        Spec(
            "calculate|get|compute heating_energy|heat_required|thermal_energy",
            "Energy needed to warm a substance.|Heat from mass, specific heat and temperature change.",
            (
                Param("mass|mass_kg|m", amount(1, 80), "Mass in kilograms"),
                Param("specific_heat|heat_capacity|c", whole(130, 4200, 10), "Specific heat in J/(kg*K)"),
                Param("delta_t|temperature_change|temp_rise", amount(2, 90), "Rise in temperature, in kelvin"),
            ),
            (
                "the heat needed to warm {mass} kg by {delta_t} K at a specific heat of {specific_heat} J/(kg*K)",
                "How much energy warms {mass} kilograms with a specific heat of {specific_heat} by {delta_t} kelvin?",
                "compute the heat for a mass of {mass} kg, a specific heat of {specific_heat} and a rise of "
                "{delta_t} K",
            ),
            series=(
                "compute the heat needed by {n} samples",
                "a mass of {mass} kg, a specific heat of {specific_heat} and a rise of {delta_t} K",
            ),
        ),
        Spec(
            "get|calculate doppler_frequency|observed_frequency|shifted_pitch",
            "Frequency heard from a moving source.|Doppler shift of a sound.",
            (
                Param("frequency|source_frequency|emitted_hz|f", amount(100, 4000, 20), "Emitted frequency in Hz"),
                Param("source_speed|velocity|speed_of_source", amount(5, 90), "Speed of the source in m/s"),
                Param(
                    "approaching|moving_closer|towards",
                    flag("moving towards me", "moving away from me"),
                    "Whether it approaches",
                ),
                Param("sound_speed|wave_speed|c", whole(320, 350), "Speed of sound in m/s", "343"),
            ),
            (
                "the frequency I hear from a {frequency} Hz siren {approaching} at {source_speed} m/s"
                "[ if sound travels at {sound_speed} m/s]",
                "A source of {frequency} Hz is {approaching} at {source_speed} m/s. What frequency is observed?",
            ),
            series=("the observed frequencies of {n} sirens", "{frequency} Hz, {approaching} at {source_speed} m/s"),
        ),
    ),
)

ELECTRICITY = Domain(
    "circuits|electrical|electronics|ee_tools",
    asking=COMPUTING,
    contexts="I'm wiring a small project.|I'm building a lamp.|This is for my workshop.",
    tools=(
        Spec(
            "combine|calculate|get resistors|total_resistance|equivalent_resistance",
            "Total resistance of several resistors.|Equivalent resistance of a network.",
            (
                Param("resistors|resistances|values|ohms", listing(whole(10, 990, 10), 2, 4), "Resistances in ohms"),
                Param("connection|wiring|layout", same("series|parallel"), "How they are connected"),
            ),
            (
                "the total resistance of resistors of {resistors} ohms in {connection}",
                "combine {resistors} ohm resistors connected in {connection}",
                "I put resistors of {resistors} ohms in {connection}. What resistance do I get?",
            ),
            series=("the total resistance of {n} circuits", "{resistors} ohms in {connection}"),
            fan="connection",
        ),
        Spec(
            "calculate|estimate voltage_drop|cable_drop|line_loss",
            "Voltage lost along a cable.|Voltage drop for a current, a length and a wire size.",
            (
                Param("current|amps|current_a", amount(1, 60), "Current in amperes"),
                Param("length|cable_length|distance_m", amount(5, 200), "Length of the cable in meters"),
                Param("cross_section|wire_area|area_mm2", number(1.5, 35), "Wire cross-section in mm^2"),
                Param("material|conductor", same("copper|aluminium"), "Material of the conductor", "'copper'"),
            ),
            (
                "the voltage drop of {current} A over {length} meters of {cross_section} mm^2 cable[ made of "
                "{material}]",
                "How much voltage is lost on a {length} m[ {material}] cable of {cross_section} mm^2 that carries "
                "{current} amps?",
            ),
            series=(
                "estimate the voltage drop on {n} cables[ made of {material}]",
                "{current} A, a length of {length} m and {cross_section} mm^2",
            ),
            fan="current",
        ),
        Spec(
            "size|choose|calculate led_resistor|series_resistor|led_ballast",
            "Resistor that an LED needs.|Series resistor for an LED on a supply.",
            (
                Param("supply_voltage|supply|v_in", number(5, 24), "Supply voltage in volts"),
                Param("led_voltage|forward_voltage|v_led", number(1.6, 3.6), "Voltage of the LED in volts"),
                Param("led_current|current_ma|milliamps", whole(5, 30), "Current in milliamperes", "20"),
            ),
            (
                "the resistor for a {led_voltage} V LED on a {supply_voltage} V supply[ at {led_current} mA]",
                "Which resistor do I need to run an LED with {led_voltage} volts from {supply_voltage} volts"
                "[ at {led_current} milliamps]?",
            ),
            series=("choose resistors for {n} LEDs", "a supply of {supply_voltage} V and an LED of {led_voltage} V"),
        ),
        Spec(
            "estimate|compute|get appliance_cost|electricity_cost|running_cost",
            "What running an appliance costs.|Cost of electricity for a device in use.",
            (
                Param("power_watts|watts|power", whole(40, 3000, 20), "Power of the device in watts"),
                Param("hours|hours_per_day|daily_hours", amount(1, 24), "Hours of use a day"),
                Param("price|price_per_kwh|tariff", number(0.1, 0.6, 2), "Price of a kWh"),
                Param("days|period_days", whole(7, 365), "Number of days", "30"),
            ),
            (
                "the cost of running a {power_watts} W device {hours} hours a day at {price} per kWh[ for {days} days]",
                "What do I pay[ over {days} days] if a {power_watts} watt heater runs for {hours} hours daily "
                "and a kWh "
                "costs {price}?",
            ),
            series=(
                "the running costs of {n} appliances[ over {days} days]",
                "{power_watts} watts, {hours} hours a day and {price} per kWh",
            ),
            fan="power_watts",
        ),
    ),
)

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

DOMAINS = (PHYSICS, ELECTRICITY, CHEMISTRY, BIOLOGY, ASTRONOMY)
