"""Finance and investing."""

from callwright.data.synthetic.spec import COMPUTING, Domain, Param, Reply, Spec
from callwright.data.synthetic.values import (
    amount,
    choice,
    date,
    flag,
    listing,
    number,
    rate,
    same,
    text,
    whole,
    year,
)
from callwright.data.synthetic.words import CURRENCY, code, company

_FREQUENCY = choice(
    {"monthly": "monthly|every month", "quarterly": "quarterly|every quarter", "yearly": "yearly|once a year"}
)

FINANCE = Domain(
    "finance|money|banking|fin_tools",
    asking=COMPUTING,
    contexts="I'm planning my budget.|I'm comparing a few offers.|My bank could not tell me.",
    tools=(
        Spec(
            "calculate|compute|get loan_installment|monthly_loan_payment|loan_rate_payment",
            "Monthly payment of a loan.|Installment for a loan of an amount, a rate and a term.",
            (
                Param("loan_amount|principal|borrowed|amount", whole(2000, 400000, 1000), "Amount borrowed"),
                Param("annual_rate|interest_rate|yearly_interest|apr", rate(1, 12), "Yearly interest rate"),
                Param("years|term|loan_term|duration_years", whole(2, 30), "Term in years"),
                Param("down_payment|deposit", whole(500, 20000, 500), "Amount paid at once", "0"),
            ),
            (
                "the monthly payment on a loan of ${loan_amount} at {annual_rate} over {years} years"
                "[ with ${down_payment} down]",
                "If I borrow {loan_amount} dollars for {years} years at {annual_rate} interest"
                "[ and pay {down_payment} upfront], what do I pay each month?",
                "work out the installments for a {years}-year loan of {loan_amount} at an annual rate of {annual_rate}",
            ),
            series=(
                "compare the monthly payments of {n} loans",
                "${loan_amount} at {annual_rate} over {years} years",
            ),
            fan="years|loan_amount",
        ),
        Spec(
            "project|estimate|grow savings|savings_balance|deposit_value",
            "Balance of a savings account after some years.|Future value of a deposit with compound interest.",
            (
                Param(
                    "initial_deposit|starting_balance|present_value|principal",
                    whole(500, 50000, 500),
                    "Money paid in at the start",
                ),
                Param("interest_rate|growth_rate|annual_interest", rate(1, 9), "Yearly interest"),
                Param("years|period|num_years|time", whole(2, 40), "Years of saving"),
                Param("compounding|compounded|frequency", _FREQUENCY, "How often interest is added", "'yearly'"),
                Param("contribution|monthly_deposit|added_monthly", whole(25, 900, 25), "Paid in every month", "0"),
            ),
            (
                "the balance after {years} years of {initial_deposit} dollars saved at {interest_rate}"
                "[, with interest added {compounding}][, paying in {contribution} a month]",
                "project a deposit of ${initial_deposit} at {interest_rate} for {years} years[, compounded "
                "{compounding}]",
                "How much will ${initial_deposit} become in {years} years at a rate of {interest_rate}"
                "[ if interest is credited {compounding}][ and I add ${contribution} every month]?",
            ),
            series=("project {n} deposits", "${initial_deposit} at {interest_rate} for {years} years"),
            fan="years|interest_rate",
        ),
        Spec(
            "exchange|change money|cash_amount|foreign_cash",
            "Convert money from one currency to another.|Exchange an amount at the current rate.",
            (
                Param("amount|sum|value|quantity", amount(5, 5000, 5), "Amount to convert"),
                Param("from_currency|source|base_currency|sell", choice(CURRENCY), "Currency to convert from"),
                Param("to_currency|target|quote_currency|buy", choice(CURRENCY), "Currency to convert to"),
            ),
            (
                "convert {amount} {from_currency} to {to_currency}",
                "How much are {amount} {from_currency} in {to_currency}?",
                "exchange {amount} {from_currency} for {to_currency}",
            ),
            series=("convert {n} amounts", "from {amount} {from_currency} to {to_currency}"),
            fan="to_currency",
            reply=Reply({"converted": number(10, 9000, 2)}, "That comes to {converted} {to_currency}."),
        ),
        Spec(
            "split|divide bill|restaurant_bill|shared_costs",
            "Split a bill between people.|Share of each person in a bill, tip included.",
            (
                Param("total|bill_amount|amount", number(20, 400, 2), "Amount of the bill"),
                Param("people|num_people|persons|guests", whole(2, 12), "How many people pay"),
                Param("tip|tip_rate|gratuity", rate(5, 25), "Tip on top", "no tip"),
            ),
            (
                "split a bill of ${total} between {people} people[ with a tip of {tip}]",
                "What does each of {people} people owe for a ${total} dinner[ plus {tip} tip]?",
                "divide {total} dollars among {people} friends[, adding a {tip} tip]",
            ),
            series=("split {n} bills", "${total} between {people} people"),
            fan="people",
        ),
        Spec(
            "estimate|calculate|get income_tax|tax_due|tax_on_salary",
            "Income tax for a year.|Tax on a yearly income.",
            (
                Param("income|annual_income|salary|gross_income", whole(18000, 240000, 500), "Yearly income"),
                Param(
                    "country|jurisdiction|tax_country",
                    text("Germany|Canada|Ireland|Australia|Sweden|Spain"),
                    "Where it is taxed",
                ),
                Param("tax_year|year|fiscal_year", year(2018, 2025), "Tax year", "the current year"),
                Param(
                    "married|joint_filing|filing_jointly",
                    flag("as a married couple|filing jointly", "as a single person"),
                    "File as a couple",
                    "false",
                ),
            ),
            (
                "the income tax in {country} on {income} a year[ for {tax_year}][, {married}]",
                "How much tax is due in {country} on an income of {income}[ in {tax_year}][ {married}]?",
                "estimate the tax on a salary of {income} in {country}[ {married}]",
            ),
            series=("the tax due on {n} salaries", "{income} a year in {country}"),
            fan="country|income",
        ),
        Spec(
            "adjust|correct for_inflation|inflation|price_for_inflation",
            "What an old price is worth in another year.|Adjust an amount for inflation.",
            (
                Param("amount|price|value|sum", amount(5, 900, 5), "The amount"),
                Param("from_year|start_year|base_year", year(1950, 1995), "Year of the amount"),
                Param("to_year|end_year|target_year", year(1996, 2024), "Year to adjust to"),
            ),
            (
                "adjust ${amount} from {from_year} to {to_year} for inflation",
                "What would {amount} dollars of {from_year} be worth in {to_year}?",
                "correct a price of {amount} dollars in {from_year} to the money of {to_year}",
            ),
            series=("adjust {n} prices for inflation", "for {amount} dollars from {from_year} to {to_year}"),
            fan="to_year",
        ),
    ),
)

_TICKER = "ACRO|BLUH|COBS|DLTB|HELX|LUMH|NWFD|PNCM|SLVM|VRTX"

INVESTING = Domain(
    "stocks|market|investing|portfolio|trading",
    contexts="I'm reviewing my holdings.|We talk about markets tonight.|My broker is closed.",
    tools=(
        Spec(
            "get|fetch|look_up share_price|closing_price|stock_quote",
            "Price of a share on a day.|Closing price of a stock.",
            (
                Param("ticker|symbol|stock|stock_symbol", text(_TICKER), "Ticker symbol"),
                Param("date|trading_day|on", date(), "Trading day", "the last one"),
                Param("currency|quote_in", same("USD|EUR|GBP"), "Currency of the price", "'USD'"),
            ),
            (
                "the price of {ticker}[ on {date}][ in {currency}]",
                "What did {ticker} close at[ on {date}]?",
                "fetch the {ticker} quote[ for {date}][ in {currency}]",
            ),
            fan="ticker",
            reply=Reply({"price": number(8, 400, 2)}, "{ticker} stands at {price}."),
        ),
        Spec(
            "place|submit|create order|trade_order|stock_order",
            "Buy or sell shares.|Send an order to the exchange.",
            (
                Param("side|action|direction", choice({"buy": "buy|purchase", "sell": "sell"}), "Buy or sell"),
                Param("shares|quantity|units|num_shares", whole(5, 500, 5), "How many shares"),
                Param("ticker|symbol|stock", text(_TICKER), "Ticker symbol"),
                Param("limit_price|max_price|limit", number(10, 300, 2), "Price limit", "the market price"),
            ),
            (
                "{side} {shares} shares of {ticker}[ with a limit of ${limit_price}]",
                "{side} {shares} {ticker} shares[ at a limit price of {limit_price} dollars]",
            ),
            fan="ticker",
            reply=Reply({"order_id": code}, "Your order for {ticker} is placed under {order_id}."),
        ),
        Spec(
            "calculate|compute|get investment_return|annualized_return|yearly_gain",
            "Yearly return of an investment.|Annualised gain from what was paid and received.",
            (
                Param("bought_for|purchase_price|initial_value|cost", amount(100, 9000, 50), "What was paid"),
                Param("sold_for|sale_price|final_value|proceeds", amount(9100, 30000, 50), "What was received"),
                Param("holding_years|years|years_held", amount(1, 20), "Years it was held"),
                Param("dividends|income_received", amount(20, 800, 20), "Dividends received", "0"),
            ),
            (
                "calculate the yearly return on something bought for {bought_for} and sold for {sold_for} after "
                "{holding_years} years[, with {dividends} in dividends]",
                "I paid ${bought_for}, sold for ${sold_for} and held it {holding_years} years"
                "[ with dividends of ${dividends}]. What was my annual return?",
            ),
            series=(
                "compute the annual returns of {n} investments",
                "{bought_for} paid, {sold_for} received and {holding_years} years in between",
            ),
        ),
        Spec(
            "rebalance|build|allocate portfolio|asset_mix|funds",
            "Divide money between asset classes.|Build a portfolio for an amount and a risk level.",
            (
                Param("capital|amount|budget|total_value", whole(5000, 300000, 5000), "Money to invest"),
                Param(
                    "assets|asset_classes|include",
                    listing(same("stocks|bonds|gold|cash|real estate"), 2, 4),
                    "Asset classes",
                ),
                Param(
                    "risk|risk_level|risk_profile",
                    choice(
                        {"low": "cautious|low-risk", "medium": "balanced|medium-risk", "high": "aggressive|high-risk"}
                    ),
                    "How much risk to take",
                    "'medium'",
                ),
            ),
            (
                "build a portfolio of {assets} with ${capital}[ that is {risk}]",
                "How should I divide {capital} dollars between {assets}[ if I want it {risk}]?",
                "allocate {capital} to {assets}[ in a {risk} way]",
            ),
            series=("build {n} portfolios", "{capital} dollars in {assets}"),
        ),
        Spec(
            "get|fetch company_financials|company_figures|annual_report_data",
            "Figures from a company's yearly report.|Revenue, profit and debt of a company.",
            (
                Param("company|company_name|firm|business", company, "Name of the company"),
                Param(
                    "metrics|figures|items",
                    listing(same("revenue|profit|debt|dividend|headcount"), 1, 3),
                    "Which figures",
                ),
                Param("year|fiscal_year|report_year", year(2015, 2024), "Fiscal year", "the latest"),
            ),
            (
                "the {metrics} of {company}[ in {year}]",
                "get the {metrics} of {company}[ for the fiscal year {year}]",
                "What were the {metrics} of {company}[ for {year}]?",
            ),
            fan="company|year",
        ),
    ),
)

DOMAINS = (FINANCE, INVESTING)
