"""What is asked although no tool fits, and how an assistant says so.

The questions are general knowledge, opinions and writing: things a model could answer or should decline in text, and
that tempt it to call whatever is on offer. Asking back for a missing argument is left out on purpose: told from the
same few examples, a small model learns to ask instead of calling.
"""

from collections.abc import Iterator

from callwright.data.synthetic.draw import Draw
from callwright.data.synthetic.naming import Offer
from callwright.data.synthetic.values import options
from callwright.data.synthetic.words import COUNTRY

_SLOTS = {
    "country": COUNTRY,
    "thing": "a piano|the telescope|the printing press|the zipper|a compass|the microscope|a parachute|velcro|"
    "porcelain|"
    "the bicycle|the elevator|dynamite|the safety pin|the umbrella|chewing gum",
    "animal": "an octopus|a hedgehog|a giraffe|a hummingbird|a sloth|a platypus|a camel|an eel|a woodpecker|"
    "a bat|a seahorse",
    "topic": "friendship|the sea|autumn leaves|a lost umbrella|night trains|patience|old houses|first snow|lighthouses|"
    "a stray dog|growing up|the smell of rain",
    "person": "Hypatia|Avicenna|Frida Kahlo|Emmy Noether|Simon Bolivar|Rosalind Franklin|Zheng He|Ibn Battuta|"
    "Ada Lovelace|Hannah Arendt|Sappho|Niels Bohr|Catherine the Great|Johannes Kepler",
    "word": "serendipity|ephemeral|ubiquitous|candid|resilience|nostalgia|paradox|altruism|austere|eloquent|verbose",
    "skill": "juggle|whistle|knit|swim butterfly|meditate|write neatly|bake bread|fold napkins|tie a bow tie|"
    "skip stones",
    "material": "glass|rubber|concrete|silk|paper|steel|cork|amber|soap|charcoal|felt|leather",
    "pair": "a crocodile and an alligator|jam and jelly|a violin and a viola|weather and climate|butter and margarine|"
    "a comet and an asteroid|fog and mist|sarcasm and irony|a novel and a novella",
    "organ": "liver|pancreas|spleen|inner ear|thyroid|retina|appendix|tongue|kidneys",
    "age": "the Bronze Age|the Renaissance|the Middle Ages|the Industrial Revolution|antiquity|the Baroque period",
}

_QUESTIONS = options(
    "Who invented {thing}?|Where was {person} born?|Why is {person} famous?|What does the word {word} mean?|"
    "Write a short poem about {topic}.|Tell me a joke about {animal}.|How does {animal} sleep?|What does {animal} eat?|"
    "What is the difference between {pair}?|How is {material} made?|What does the {organ} do in the body?|"
    "What is the national anthem of {country}?|Which languages are spoken in {country}?|"
    "What is the capital of {country}?|"
    "How many people live in {country}?|Give me three ideas for a story about {topic}.|How can I learn to {skill}?|"
    "What was daily life like in {age}?|Who was the best known painter of {age}?|Explain {material} to a child.|"
    "What's the highest mountain in {country}?|What colors are in the flag of {country}?|Find a synonym for {word}.|"
    "Use {word} in a sentence.|How old was {person} at death?|What is a good title for an essay on {topic}?|"
    "Which books did {person} write?|Is {animal} a mammal?|How long does it take to {skill} well?|"
    "Do you think {topic} is a good subject for a song?|What is your opinion on {topic}?|How heavy is {animal}?|"
    "In which century was {thing} invented?|What should I say in a speech about {topic}?|"
    "Who is the president of {country}?|"
    "Can you summarise the life of {person}?|What do people in {country} eat for breakfast?|What rhymes with {word}?|"
    "Which country does {person} come from?|How do you recycle {material}?|When did {age} begin?|"
    "Write a limerick about {person}.|What's the origin of the word {word}?|Recommend something to read about {age}."
)

# Every refusal begins with the same words. Decoding is greedy, and there is one way to begin a call: if refusals began
# in ten ways, none of the ten would win against it even where refusing as such is the likelier thing to do.
_REFUSALS = options(
    "None of the available functions can do that.|None of the available functions can answer this question.|"
    "None of the available functions can help with this request.|None of the available functions fits this request.|"
    "None of the available functions is meant for this.|None of the available functions can be used for this."
)
_NAMED_REFUSALS = options(
    "None of the available functions can do this: they only cover {scope}.|"
    "None of the available functions fits: they cover {scope}.|"
    "None of the available functions can help here, they deal with {scope}.|"
    "None of the available functions can do that; they are for {scope}."
)


def general_question(draw: Draw) -> str:
    """A question that no tool of any domain is meant for."""
    return draw.pick(_QUESTIONS).format_map({slot: draw.pick(options(words)) for slot, words in _SLOTS.items()})


def all_general_questions() -> Iterator[str]:
    """Every question that `general_question` can ask."""
    for question in _QUESTIONS:
        slot = next(slot for slot in _SLOTS if f"{{{slot}}}" in question)
        yield from (question.format_map({slot: word}) for word in options(_SLOTS[slot]))


def refusal(offered: list[Offer], draw: Draw) -> str:
    """Says that nothing on offer fits."""
    if draw.chance(0.7):
        return draw.pick(_REFUSALS)
    scope = " and ".join(dict.fromkeys(offer.spec.nouns[0].replace("_", " ") for offer in offered[:2]))
    return draw.pick(_NAMED_REFUSALS).format(scope=scope)
