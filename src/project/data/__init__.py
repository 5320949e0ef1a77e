"""Data sources: functions that return `quintet.data.samples.Samples`; for `data=`."""
