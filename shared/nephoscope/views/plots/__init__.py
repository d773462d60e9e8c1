"""Pictures of series, as PNG or SVG: what pipeline/plotting has composed, drawn with matplotlib.

Figures are objects of their own, drawn by Agg's canvas: no window, no global figure, and the same bytes from the same
picture. Imported only by who draws: matplotlib takes a second to import.
"""
