"""A small vocabulary of subjects, each with its meaning in a phrase, and words that are no subject."""

from __future__ import annotations

VOCABULARY = {
    "programming": "software development, source code and programming languages",
    "python": "the Python programming language and its modules",
    "databases": "databases, SQL and data storage",
    "networking": "computer networks, protocols and the internet",
    "security": "computer security, cryptography and passwords",
    "operating-systems": "operating systems, processes, files and the command line",
    "web": "web sites, HTML, HTTP and browsers",
    "data-science": "statistics, data analysis and machine learning",
    "artificial-intelligence": "artificial intelligence, neural networks and language models",
    "mathematics": "mathematics, algebra, geometry and numbers",
    "physics": "physics, energy, forces and matter",
    "chemistry": "chemistry, substances and reactions",
    "biology": "biology, animals, plants and cells",
    "medicine": "medicine, diseases, treatment and doctors",
    "first-aid": "first aid, injuries and emergencies",
    "health": "health, nutrition and exercise",
    "psychology": "psychology, mind and behaviour",
    "history": "history, wars and past societies",
    "geography": "geography, countries, cities and maps",
    "travel": "travel, tourism and places to visit",
    "politics": "politics, government and elections",
    "law": "law, rights, courts and contracts",
    "economics": "economics, money, trade and finance",
    "business": "companies, management and marketing",
    "education": "education, schools, teaching and courses",
    "language": "languages, grammar, words and translation",
    "literature": "literature, books, novels and poetry",
    "art": "art, painting, design and architecture",
    "music": "music, songs and instruments",
    "film": "films, television and actors",
    "sports": "sports, games and competitions",
    "cooking": "cooking, recipes, food and drink",
    "gardening": "gardening, growing vegetables and flowers",
    "agriculture": "farming, crops and livestock",
    "survival": "survival, shelter, water and preparedness",
    "repair": "repairing, tools, machines and do it yourself",
    "electronics": "electronics, circuits and radio",
    "energy": "solar power, batteries and electricity",
    "environment": "environment, climate and nature",
    "religion": "religion, faith and scripture",
    "philosophy": "philosophy, ethics and thought",
    "space": "astronomy, space, planets and stars",
    "transport": "cars, trains, ships and aircraft",
    "news": "news, current events and journalism",
}
GENERIC = frozenset(
    """about all also any arg args been being builtins can class data def description dict document
    documents each error example exception false file first float function functions general get has
    home how html http https import index information int into iterable its kwargs like list main may
    method methods module name new none object one only optional order other over package page pages
    part path raise reference resolution return returns same section see self set some source static str
    string such table text than their then there these they this time title true two type url use used
    user using value values version very was web were when where which who will www""".split()  # noqa: SIM905 - a table of words reads better than a column
)
"""Words that say nothing of a subject."""
