"""Weather, travel, transport and maps."""

from callwright.data.synthetic.spec import Domain, Param, Reply, Spec
from callwright.data.synthetic.values import amount, choice, clock, date, flag, listing, number, same, text, whole, year
from callwright.data.synthetic.words import city, code, country, person, street, town

_TEMPERATURE = choice({"celsius": "Celsius|degrees Celsius", "fahrenheit": "Fahrenheit|degrees Fahrenheit"})

WEATHER = Domain(
    "weather|climate|meteo|forecasting",
    contexts="I'm packing my bag.|We're planning a picnic.|I have a long drive ahead.",
    tools=(
        Spec(
            "get|fetch|look_up daily_forecast|weather_outlook|forecast_by_day",
            "Weather forecast for the coming days.|Outlook for a place and a number of days.",
            (
                Param("place|city|location|where", city, "City to forecast"),
                Param("days|num_days|horizon|days_ahead", whole(2, 14), "How many days"),
                Param("unit|units|temperature_unit|scale", _TEMPERATURE, "Unit of temperature", "'celsius'"),
                Param("include_wind|wind", flag("with wind speeds|including wind"), "Also give the wind", "false"),
            ),
            (
                "the weather forecast for {place} over the next {days} days[, in {unit}][, {include_wind}]",
                "How will the weather be in {place} in the coming {days} days[ in {unit}]?",
                "fetch a {days} day forecast for {place}[ {include_wind}]",
            ),
            series=("fetch {n} forecasts[ in {unit}]", "for the next {days} days in {place}"),
            fan="place",
            reply=Reply(
                {"high": whole(5, 35), "summary": text("sunny|rainy|cloudy|windy")},
                "{place} will be mostly {summary} with highs of {high} degrees.",
            ),
        ),
        Spec(
            "get|check|fetch air_quality|pollution_level|air_quality_index",
            "Air quality in a city.|Current pollution of the air.",
            (
                Param("city|place|location|town", city, "The city"),
                Param("pollutant|substance|measure", same("PM2.5|PM10|ozone|NO2"), "Pollutant to report", "all"),
            ),
            (
                "the air quality in {city}[ for {pollutant}]",
                "How clean is the air in {city}[ in terms of {pollutant}]?",
                "check the[ {pollutant}] pollution in {city}",
            ),
            fan="city|pollutant",
            reply=Reply({"index": whole(10, 160)}, "The index for {city} is {index}."),
        ),
        Spec(
            "get|find|look_up sun_times|sunrise_sunset|daylight_hours",
            "Sunrise and sunset.|When the sun rises and sets at a place.",
            (
                Param("location|city|place", city, "The place"),
                Param("date|day|on_day", date(), "The day"),
                Param("twelve_hour|am_pm", flag("in 12-hour time"), "Write times with am and pm", "false"),
            ),
            (
                "the times of sunrise and sunset in {location} on {date}[, {twelve_hour}]",
                "When does the sun rise in {location} on {date}[, {twelve_hour}]?",
                "look up the daylight hours in {location} on {date}",
            ),
            series=("look up the daylight hours of {n} places", "for {location} on {date}"),
            fan="location|date",
        ),
        Spec(
            "compare|get|query past_rainfall|rain_history|precipitation_record",
            "Rain that fell in a month.|Historical rainfall of a place.",
            (
                Param("region|place|city|location", town, "The place"),
                Param("month|month_name", same("January|March|April|June|August|October|December"), "Month, as a word"),
                Param("year|in_year|record_year", year(1960, 2022), "Year"),
            ),
            (
                "the rainfall in {region} in {month} of {year}",
                "How much rain fell in {region} in {month} {year}?",
                "query the rain record of {region} for {month} {year}",
            ),
            series=("get the rainfall for {n} months", "for {region} in {month} {year}"),
            fan="region",
        ),
    ),
)

_CABIN = choice(
    {"economy": "economy|economy class", "business": "business|business class", "first": "first|first class"}
)

TRAVEL = Domain(
    "travel|trips|booking|travel_agent",
    contexts="My boss needs me on the road.|We're celebrating our anniversary.|I'm finally taking a holiday.",
    tools=(
        Spec(
            "search|find|list flight_offers|air_connections|plane_tickets",
            "Search flights between two cities.|List flight offers for a day.",
            (
                Param("origin|from_city|departure_city|departure", city, "Where the flight starts"),
                Param("destination|to_city|arrival_city|arrival", city, "Where it ends"),
                Param("departure_date|date|fly_on|travel_date", date(2025, 2026), "Day of departure"),
                Param("passengers|travelers|num_passengers", whole(2, 8), "How many travel", "1"),
                Param("cabin|travel_class|seat_class", _CABIN, "Cabin class", "'economy'"),
                Param("nonstop|direct|direct_only", flag("without stops|nonstop only"), "Only direct flights", "false"),
            ),
            (
                "search flights from {origin} to {destination} on {departure_date}[ for {passengers} people][ "
                "in {cabin}]"
                "[, {nonstop}]",
                "~the flights leaving {origin} for {destination} on {departure_date}[, {nonstop}]",
                "Which planes go from {origin} to {destination} on {departure_date}[ with {passengers} seats "
                "free][, {nonstop}]?",
            ),
            series=(
                "search {n} flights[ for {passengers} people]",
                "from {origin} to {destination} on {departure_date}",
            ),
            fan="destination",
            reply=Reply(
                {"offers": whole(2, 25), "cheapest": whole(60, 900)},
                "There are {offers} flights to {destination}, from {cheapest} dollars.",
            ),
        ),
        Spec(
            "reserve|book|arrange hotel_room|hotel_stay|accommodation",
            "Reserve a hotel room.|Book nights in a hotel.",
            (
                Param(
                    "hotel|hotel_name|property_name",
                    text("Hotel Astoria|The Grand Pier|Casa Verde|Alpenblick Inn|Harbor View Hotel|Park Lodge"),
                    "Name of the hotel",
                ),
                Param("city|location|place", city, "City of the hotel"),
                Param("check_in|arrival_date|start_date|from_date", date(2025, 2026), "Day of arrival"),
                Param("nights|num_nights|length_of_stay", whole(2, 14), "Number of nights"),
                Param("room_type|room|bed_type", same("single|double|suite"), "Kind of room", "'double'"),
                Param(
                    "breakfast|with_breakfast|include_breakfast",
                    flag("with breakfast|breakfast included", "without breakfast"),
                    "Include breakfast",
                    "false",
                ),
            ),
            (
                "book {nights} nights at {hotel} in {city} from {check_in}[ in a {room_type} room][, {breakfast}]",
                "reserve a room at {hotel}, {city}, arriving on {check_in} and staying {nights} nights[, {breakfast}]",
            ),
            series=("book {n} stays[, {breakfast}]", "for {nights} nights at {hotel} in {city} from {check_in}"),
            reply=Reply({"booking": code}, "{hotel} is booked; your number is {booking}."),
        ),
        Spec(
            "check|get|look_up visa_rules|visa_requirement|entry_requirements",
            "Whether a visa is needed.|Entry rules for citizens of one country in another.",
            (
                Param("nationality|citizenship|passport_country", country, "Country of the passport"),
                Param("destination|destination_country|visiting", country, "Country to visit"),
                Param(
                    "purpose|reason|travel_purpose",
                    same("tourism|business|study|work"),
                    "Reason of the trip",
                    "'tourism'",
                ),
                Param("stay_days|length_of_stay|days", whole(5, 180, 5), "Days of stay", "30"),
            ),
            (
                "~the visa rules for a citizen of {nationality} going to {destination}[ for {purpose}][, "
                "staying {stay_days} days]",
                "With a passport from {nationality}, do I need a visa for {destination}[ for a {purpose} trip]"
                "[ of {stay_days} days]?",
                "check the entry rules for {destination} with a passport from {nationality}[ for {purpose}]",
            ),
            series=("check {n} visa cases", "a passport from {nationality} for {destination}"),
            fan="destination",
        ),
        Spec(
            "rent|hire|reserve car|rental_car|vehicle",
            "Rent a car.|Reserve a vehicle at a rental station.",
            (
                Param("pickup_city|pickup|pickup_location|location", city, "Where to pick it up"),
                Param("pickup_date|start|start_date|from_day", date(2025, 2026), "First day"),
                Param("days|rental_days|duration", whole(2, 21), "For how many days"),
                Param(
                    "car_type|category|vehicle_class", same("compact|SUV|van|convertible"), "Kind of car", "'compact'"
                ),
                Param(
                    "automatic|automatic_gearbox",
                    flag("with automatic transmission", "with manual transmission"),
                    "Automatic gearbox",
                    "true",
                ),
            ),
            (
                "rent a car in {pickup_city} for {days} days from {pickup_date}[, {automatic}]",
                "reserve a rental car[ of type {car_type}] in {pickup_city}, starting {pickup_date}, for {days} days",
                "hire a[ {car_type}] vehicle in {pickup_city} on {pickup_date} for {days} days[ {automatic}]",
            ),
            series=("rent {n} cars[ {automatic}]", "for {days} days in {pickup_city} from {pickup_date}"),
        ),
        Spec(
            "plan|create|suggest city_trip|itinerary|sightseeing_plan",
            "Plan the days of a city trip.|Create an itinerary for some interests.",
            (
                Param("city|destination|where", town, "City to visit"),
                Param("days|trip_length|num_days", whole(2, 10), "Days of the trip"),
                Param(
                    "interests|topics|likes",
                    listing(same("museums|food|hiking|architecture|nightlife|beaches"), 1, 3),
                    "What the traveller likes",
                ),
                Param("budget|daily_budget|budget_per_day", whole(40, 400, 10), "Money a day", "no limit"),
            ),
            (
                "plan a trip to {city} for {days} days with a focus on {interests}[ on {budget} dollars a day]",
                "What could I do in {city} in {days} days if I like {interests}[ and have {budget} dollars a day]?",
            ),
            series=("plan {n} trips", "{days} days in {city} with a focus on {interests}"),
            fan="city",
        ),
    ),
)

TRANSPORT = Domain(
    "transport|maps|navigation|mobility",
    contexts="I'm running late.|My car is in the garage.|I don't know the area.",
    tools=(
        Spec(
            "get|plan|find route|directions|road_route",
            "Route between two places.|Directions for driving, walking or cycling.",
            (
                Param("start|origin|from_place|start_point", town, "Where to start"),
                Param("end|destination|to_place|end_point", town, "Where to go"),
                Param(
                    "mode|travel_mode|transport",
                    choice({"driving": "by car", "walking": "on foot", "cycling": "by bike"}),
                    "How to travel",
                    "'driving'",
                ),
                Param(
                    "avoid|avoid_features|exclude",
                    listing(same("tolls|ferries|highways"), 1, 2),
                    "What to avoid",
                    "nothing",
                ),
            ),
            (
                "the route from {start} to {end}[ {mode}][, avoiding {avoid}]",
                "How do I get from {start} to {end}[ {mode}][ without {avoid}]?",
                "plan a way from {start} to {end}[ {mode}][ that avoids {avoid}]",
            ),
            series=("plan {n} routes[ {mode}]", "from {start} to {end}"),
            fan="end",
            reply=Reply({"km": whole(4, 900)}, "It is {km} kilometers from {start} to {end}."),
        ),
        Spec(
            "find|search|locate parking|car_parks|parking_spots",
            "Find parking near an address.|Car parks close to a place.",
            (
                Param("near|address|location|close_to", street, "Address to park near"),
                Param(
                    "radius|max_distance|within_meters|radius_m",
                    whole(100, 2000, 100),
                    "How far away, in meters",
                    "500",
                ),
                Param("covered|indoor|garage_only", flag("under a roof|indoors"), "Only covered parking", "false"),
            ),
            (
                "find parking near {near}[ within {radius} meters][, {covered}]",
                "Where can I park close to {near}[, at most {radius} m away][ and {covered}]?",
            ),
            fan="near",
            reply=Reply({"spots": whole(2, 90)}, "{spots} spots are free near {near}."),
        ),
        Spec(
            "get|list|show train_departures|train_times|rail_schedule",
            "Next trains from a station.|Departures of trains at a time.",
            (
                Param(
                    "station|from_station|stop",
                    text("Central Station|North Gate|Riverside|Old Harbor|University|East Junction"),
                    "The station",
                ),
                Param("towards|destination|line_to|direction", town, "Where the train goes"),
                Param("after|departure_time|not_before|time", clock(), "Earliest departure", "now"),
                Param("limit|max_results|count", whole(2, 10), "How many trains", "5"),
            ),
            (
                "~the trains from {station} to {towards}[ after {after}]",
                "When do trains leave {station} for {towards}[ after {after}]?",
                "show me[ the first {limit}] trains from {station} towards {towards}[, not before {after}]",
            ),
            series=("get the departures for {n} connections[ after {after}]", "from {station} to {towards}"),
            fan="towards",
        ),
        Spec(
            "calculate|estimate|compute fuel_cost|trip_fuel|petrol_expense",
            "Fuel cost of a trip.|What the petrol for a distance costs.",
            (
                Param("distance_km|distance|kilometers|trip_km", amount(20, 1500, 10), "Distance in kilometers"),
                Param("consumption|liters_per_100km|fuel_use", number(4, 14), "Liters per 100 km"),
                Param("fuel_price|price_per_liter|price", number(1.1, 2.4, 2), "Price of a liter"),
                Param(
                    "round_trip|return_trip|both_ways",
                    flag("there and back|both ways", "one way"),
                    "Count the way back",
                    "false",
                ),
            ),
            (
                "the fuel cost of {distance_km} km at {consumption} liters per 100 km and {fuel_price} a "
                "liter[, {round_trip}]",
                "What does petrol cost for {distance_km} kilometers[ {round_trip}] if my car takes "
                "{consumption} liters per "
                "100 km and a liter costs {fuel_price}?",
            ),
            series=(
                "estimate the fuel costs of {n} trips",
                "{distance_km} km, {consumption} liters per 100 km and {fuel_price} a liter",
            ),
            fan="distance_km",
        ),
        Spec(
            "call|order|request taxi|ride|cab",
            "Order a taxi.|Request a ride between two addresses.",
            (
                Param("pickup|pickup_address|from_address", street, "Where to be picked up"),
                Param("dropoff|dropoff_address|to_address", street, "Where to go"),
                Param("passenger|rider|passenger_name", person, "Who rides"),
                Param("pickup_time|time|at", clock(), "When", "now"),
                Param("wheelchair|accessible", flag("with room for a wheelchair"), "Wheelchair access", "false"),
            ),
            (
                "order a taxi for {passenger} from {pickup} to {dropoff}[ at {pickup_time}][, {wheelchair}]",
                "call a cab to take {passenger} from {pickup} to {dropoff}[, leaving at {pickup_time}]",
            ),
            series=("order {n} taxis[ {wheelchair}]", "for {passenger} from {pickup} to {dropoff}"),
            fan="passenger",
            reply=Reply({"minutes": whole(2, 25)}, "A taxi for {passenger} arrives in {minutes} minutes."),
        ),
    ),
)

DOMAINS = (WEATHER, TRAVEL, TRANSPORT)
