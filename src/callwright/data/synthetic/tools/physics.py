"""Physics and electricity."""

from callwright.data.synthetic.spec import COMPUTING, Domain, Param, Spec
from callwright.data.synthetic.values import amount, flag, listing, number, same, whole

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

DOMAINS = (PHYSICS, ELECTRICITY)
