"""Stories by which people test their rules: what a few machines live through, and what is to be told of it.

notation  `10 95 _ 95x3`: the values of a series
story     what a story is, as values
shape     the keys of a story file
reading   a file to its stories, every problem at once
config    the rules that a story is about
telling   the storyteller: the real plan, run for run, on a virtual clock
judging   what came of it beside what was expected, and the course of each alert
files     where story files are, the starter rules' own among them
"""
