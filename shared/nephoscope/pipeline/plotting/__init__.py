"""What is drawn of series, worked out before anything is drawn: lines and their gaps, bands over many machines, the
worst few, thresholds, the times at which alerts were open, and the axes' ticks. Nothing here knows what it is drawn
with: views/plots draws pictures of it, the command line draws blocks.
"""
