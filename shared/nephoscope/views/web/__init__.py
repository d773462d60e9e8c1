"""The local page: views of what `app/looking` has read, as Dash draws them. Nothing is decided here, nothing written.

doors.py says what a view may ask; guard.py who may ask; parts.py and pages/ what is shown; assets/ what the browser
does by itself: asking whether something has changed, and searching the table of machines.
"""
