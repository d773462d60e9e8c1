"""What a configuration will cost before anything is deployed: calls, billed units, series, dollars at list price.

Counted with the same functions that plan the reads, so that the forecast and the provider's bill speak of the same
thing; tests hold it against the ledgers of the local clouds. Not in it: the functions themselves, DynamoDB and SNS,
which stay within a few dollars whatever the fleet, and data that discovered metrics add (each device or storage class
is a series).

bill      a line of it, and the sum
aws, gcp, azure   what reading each cloud takes: billed are metrics requested, series returned, calls
forecast  all of it together, and what is published
"""

from nephoscope.pipeline.cost.bill import Bill, Line
from nephoscope.pipeline.cost.forecast import OWN_SERIES, SERIES, assumed_fleet, count_series, forecast

__all__ = ["OWN_SERIES", "SERIES", "Bill", "Line", "assumed_fleet", "count_series", "forecast"]
