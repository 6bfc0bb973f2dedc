"""Words that many tools draw from: people, places, organisations."""

from callwright.data.synthetic.values import joined, text

FIRST = (
    "Amara|Boris|Carmen|Dmitri|Elena|Farid|Greta|Hiro|Ingrid|Jonas|Keiko|Lars|Maya|Nadia|Omar|Priya|Quentin|Rosa|Sven|"
    "Tariq|Ulla|Vikram|Wanda|Ximena|Yusuf|Zoe|Alice|Benjamin|Chloe|Daniel|Emily|Felix|Grace|Henry|Isabel|Leo"
)
LAST = (
    "Abara|Bianchi|Castillo|Dubois|Eriksen|Fischer|Gupta|Haddad|Ivanova|Jensen|Kowalski|Larsen|Moreau|Nakamura|Okafor|"
    "Petrov|Quigley|Rossi|Schneider|Tanaka|Ueda|Vargas|Whitfield|Xu|Yilmaz|Zimmerman|Brooks|Carter|Hughes|Walsh"
)
CITY = (
    "Oslo|Lisbon|Nairobi|Toronto|Osaka|Prague|Seville|Austin|Denver|Cairo|Mumbai|Bogota|Helsinki|Vienna|Marseille|"
    "Glasgow|Perth|Auckland|Santiago|Hanoi|Krakow|Istanbul|Antwerp|Porto|Dresden|Quito|Tallinn|Kyoto|Montreal|Zagreb|"
    "Naples|Bergen|Lyon|Bristol|Accra|Dakar|Lima|Manila|Jakarta|Athens|Cape Town|Salt Lake City|Buenos Aires|Tel Aviv|"
    "Ho Chi Minh City|St. Louis|San Antonio|Kuala Lumpur|New Delhi|Rio de Janeiro"
)
CITY_STATE = (
    "Portland, OR|Austin, TX|Boise, ID|Madison, WI|Savannah, GA|Tucson, AZ|Omaha, NE|Richmond, VA|Albany, NY|Tampa, FL|"
    "Santa Fe, NM|Fresno, CA|Reno, NV|Duluth, MN|Mobile, AL|Eugene, OR|Boulder, CO|Toledo, OH|Salem, MA|Provo, UT"
)
COUNTRY = (
    "Norway|Portugal|Kenya|Canada|Japan|Peru|Vietnam|Egypt|Poland|Chile|New Zealand|South Korea|Morocco|Iceland|Greece|"
    "Thailand|Argentina|Ghana|Turkey|Switzerland|Mexico|Indonesia|Ireland|Croatia|South Africa|Costa Rica"
)
COMPANY = (
    "Northwind Foods|Acme Robotics|Helios Energy|Blue Harbor Shipping|Vertex Labs|Lumen Health|Cobalt Systems|"
    "Silverline Motors|Granite Insurance|Pinecrest Media|Orchid Textiles|Summit Airways|Delta Brewing|Tidewater Bank"
)
CURRENCY = {
    "USD": "US dollars|USD",
    "EUR": "euros|EUR",
    "GBP": "British pounds|GBP",
    "JPY": "Japanese yen|JPY",
    "CHF": "Swiss francs|CHF",
    "INR": "Indian rupees|INR",
    "SEK": "Swedish kronor|SEK",
    "BRL": "Brazilian reais|BRL",
}

person = joined(FIRST, LAST)
first_name = text(FIRST)
city = text(CITY) + text(CITY) + text(CITY_STATE)
town = text(CITY)
country = text(COUNTRY)
company = text(COMPANY)
street = joined(
    "12|48|7|230|1015|66|391|88|502|19",
    "Maple|Harbor|Church|Mill|Station|Orchard|King|River",
    "Street|Avenue|Road|Lane",
)
email = joined(
    "anna|bo|carla|dev|erik|finance|hr|info|jobs|lee", "acme.com|mail.org|vertex.io|example.com", between="@"
)
code = joined("AB|QX|TR|ZK|MN|PL", "1042|2231|3987|4410|5526|6093|7718|8805|9164", between="-")
