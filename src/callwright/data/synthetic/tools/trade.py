"""Property and shopping."""

from callwright.data.synthetic.spec import Domain, Param, Reply, Spec
from callwright.data.synthetic.values import (
    amount,
    choice,
    date,
    flag,
    joined,
    listing,
    record,
    same,
    text,
    whole,
    year,
)
from callwright.data.synthetic.words import city, code, street, town

REAL_ESTATE = Domain(
    "real_estate|housing|property|realty",
    contexts="We want to move soon.|I'm looking for a first home.|My lease ends this year.",
    tools=(
        Spec(
            "search|find|list homes|property_listings|houses_for_sale",
            "Search homes on the market.|List properties in a place that match a wish list.",
            (
                Param("location|city|area|place", city, "Where to search"),
                Param("bedrooms|min_bedrooms|beds|rooms", whole(2, 6), "Least number of bedrooms"),
                Param("max_price|budget|price_limit", whole(150000, 900000, 25000), "Highest price", "no limit"),
                Param("home_type|property_type|kind", same("apartment|house|townhouse|studio"), "Kind of home", "any"),
                Param(
                    "pets_allowed|pet_friendly|allows_pets",
                    flag("where pets are allowed|that allow pets"),
                    "Whether pets must be allowed",
                    "false",
                ),
            ),
            (
                "search for homes in {location} with at least {bedrooms} bedrooms[ up to ${max_price}][, "
                "{pets_allowed}]",
                "find a place to buy in {location} with {bedrooms} bedrooms[, preferably a {home_type}]"
                "[, for at most {max_price} dollars]",
                "What homes with {bedrooms} bedrooms are on sale in {location}[ under {max_price}][ {pets_allowed}]?",
            ),
            series=("search homes in {n} places[ under {max_price} dollars]", "{bedrooms} bedrooms in {location}"),
            fan="location",
            reply=Reply({"matches": whole(3, 60)}, "I found {matches} homes in {location}."),
        ),
        Spec(
            "estimate|appraise|predict home_value|house_value|property_worth",
            "Estimate what a home is worth.|Appraise a property from its data.",
            (
                Param("address|street_address|property_address", street, "Street and number"),
                Param("square_meters|area|size_m2|floor_area", whole(35, 320, 5), "Living area in square meters"),
                Param("built|year_built|construction_year", year(1900, 2022), "Year of construction"),
                Param(
                    "renovated|recently_renovated",
                    flag("recently renovated", "not renovated"),
                    "Renovated lately",
                    "false",
                ),
            ),
            (
                "the value of a home at {address} with {square_meters} square meters, built in {built}[, {renovated}]",
                "My house at {address} has {square_meters} m2 and was built in {built}[, {renovated}]. What "
                "is it worth?",
                "appraise {address}, a {square_meters} square meter home from {built}[, {renovated}]",
            ),
            series=("appraise {n} homes", "{square_meters} square meters from {built} at {address}"),
        ),
        Spec(
            "calculate|get|compute rental_yield|rent_return|yield_on_rent",
            "Yield of a rented property.|Yearly rent as a share of the price.",
            (
                Param("purchase_price|price|property_price", whole(90000, 800000, 10000), "Price of the property"),
                Param("monthly_rent|rent|rent_per_month", whole(600, 4500, 50), "Rent a month"),
                Param("expenses|annual_costs|yearly_expenses", whole(500, 9000, 250), "Costs a year", "0"),
            ),
            (
                "calculate the rental yield of a {purchase_price} dollar flat that rents for {monthly_rent} a month"
                "[ with {expenses} in yearly costs]",
                "What yield do I get on a property of ${purchase_price} at ${monthly_rent} rent a month"
                "[ and ${expenses} of expenses a year]?",
            ),
            series=(
                "compute the yields of {n} flats",
                "a price of {purchase_price} and a rent of {monthly_rent} a month",
            ),
            fan="monthly_rent",
        ),
        Spec(
            "schedule|book|arrange viewing|property_tour|house_visit",
            "Book a visit to a property.|Arrange a viewing with the agent.",
            (
                Param("address|property_address|home_address", street, "Address to visit"),
                Param("visit_date|date|day|viewing_date", date(2025, 2026), "Day of the visit"),
                Param(
                    "visitor|name|visitor_name|client",
                    joined("Amara|Boris|Greta|Omar|Rosa|Zoe", "Brooks|Rossi|Haddad|Xu"),
                    "Who comes",
                ),
                Param(
                    "virtual|online|is_virtual", flag("as a video call|online", "in person"), "Hold it online", "false"
                ),
            ),
            (
                "book a viewing of {address} for {visitor} on {visit_date}[, {virtual}]",
                "arrange for {visitor} to see {address} on {visit_date}[ {virtual}]",
            ),
            series=("book {n} viewings for {visitor}", "for {address} on {visit_date}"),
            reply=Reply({"confirmation": code}, "The visit to {address} is booked, confirmation {confirmation}."),
        ),
    ),
)

_PRODUCT = (
    "wireless headphones|desk lamps|running shoes|coffee grinders|travel backpacks|phone chargers|yoga mats|"
    "rain jackets|cast iron pans|noise-cancelling earbuds|mechanical keyboards|hiking boots|baby strollers"
)

SHOPPING = Domain(
    "shop|store|ecommerce|retail",
    contexts="I need a birthday present.|I'm shopping online.|The sale ends tonight.",
    tools=(
        Spec(
            "search|find|browse products|items|catalog",
            "Search the shop for products.|Find items on sale by words and price.",
            (
                Param("query|keywords|search_term|product", text(_PRODUCT), "What to look for"),
                Param("max_price|price_cap|budget", amount(15, 400, 5), "Highest price", "none"),
                Param("brand|manufacturer|maker", text("Kestrel|Norvik|Sundara|Halden|Juniper"), "Brand", "any"),
                Param(
                    "in_stock|available_only",
                    flag("that are in stock|available right now"),
                    "Only what can ship now",
                    "false",
                ),
                Param(
                    "sort_by|order|sorting",
                    choice({"price": "sorted by price", "rating": "best rated first", "newest": "newest first"}),
                    "Order of the results",
                    "'rating'",
                ),
            ),
            (
                "search for {query}[ from {brand}][ under ${max_price}][ {in_stock}][, {sort_by}]",
                "find {query}[ by {brand}][ for less than {max_price} dollars][, {sort_by}]",
                "Do you have {query}[ made by {brand}][ {in_stock}][ below {max_price} dollars]?",
            ),
            fan="query|brand",
            reply=Reply({"hits": whole(2, 40)}, "There are {hits} results for {query}."),
        ),
        Spec(
            "track|check|get parcel|order_status|shipment",
            "Where an order is.|Status of a parcel.",
            (
                Param("order_number|order_id|parcel_id|tracking_number", code, "Number of the order"),
                Param(
                    "carrier|shipping_company|courier", same("DHL|UPS|FedEx|GLS"), "Who delivers", "found by the number"
                ),
            ),
            (
                "track the order {order_number}[ shipped with {carrier}]",
                "Where is my parcel {order_number}[, sent by {carrier}]?",
                "the status of order {order_number}[ at {carrier}]",
            ),
            fan="order_number",
            reply=Reply(
                {"status": text("in transit|out for delivery|delayed|delivered")}, "Order {order_number} is {status}."
            ),
        ),
        Spec(
            "return|send_back|refund item|purchase|article",
            "Return something that was bought.|Start a refund for an article of an order.",
            (
                Param("order_id|order_number|purchase_id", code, "Number of the order"),
                Param(
                    "item|product|article|item_name",
                    text("blue sweater|kettle|board game|bike helmet|tablet case|wall clock"),
                    "What is returned",
                ),
                Param(
                    "reason|cause|return_reason",
                    choice(
                        {
                            "damaged": "it arrived damaged|it is broken",
                            "wrong_size": "the size is wrong",
                            "unwanted": "I no longer want it",
                        }
                    ),
                    "Why",
                ),
                Param(
                    "refund_to|refund_method|payout",
                    choice({"card": "to my card", "voucher": "as a voucher"}),
                    "How to refund",
                    "'card'",
                ),
            ),
            (
                "return the {item} from order {order_id} because {reason}[ and refund me {refund_to}]",
                "send back the {item} of order {order_id}, since {reason}[, with the money {refund_to}]",
            ),
            series=("return {n} things", "for the {item} of order {order_id} because {reason}"),
            reply=Reply({"label": code}, "The return of the {item} is registered; the label is {label}."),
        ),
        Spec(
            "order|reorder|buy groceries|supplies|household_goods",
            "Order groceries for delivery.|Buy supplies and have them delivered to an address.",
            (
                Param(
                    "items|goods|products|shopping_list",
                    listing(text("milk|eggs|flour|olive oil|rice|apples|soap|butter|oats"), 2, 5),
                    "What to buy",
                ),
                Param(
                    "delivery|deliver_to|destination",
                    record("{street}, {town}", street=(street, "Street and number"), town=(town, "Town")),
                    "Where to deliver",
                ),
                Param(
                    "express|fast_delivery|rush",
                    flag("with express delivery|as fast as possible"),
                    "Deliver within the hour",
                    "false",
                ),
                Param(
                    "payment|pay_with|payment_method",
                    choice({"card": "by card", "cash": "in cash", "invoice": "on invoice"}),
                    "How to pay",
                    "'card'",
                ),
            ),
            (
                "order {items} to {delivery}[ {express}][, paying {payment}]",
                "buy {items} and have them brought to {delivery}[, paid {payment}]",
            ),
            series=("place {n} grocery orders[ {express}]", "{items} to {delivery}"),
        ),
    ),
)

DOMAINS = (REAL_ESTATE, SHOPPING)
