"""What a person writes, checked and compiled: nephoscope.yaml -> Config. Used where it is built, never by a function.

The way of a file, one module a step:

document   YAML -> a tree in which every text keeps its line and column; nothing is turned into numbers or booleans
shape      the keys that there are, as rows; unknown keys, missing ones and wrong forms are found by them
rules, gathering, channels   what the texts mean; conditions, spans and quantities are their grammar
compile    all of it together: every problem at once, or the Config with warnings, and what the deployment must know
explain    each rule in a sentence, as it was understood
schema     the JSON Schema for editors, drawn from the same rows as the check
"""
