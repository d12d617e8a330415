"""The forms that ``dns01 status`` takes: a table, a JSON document, a page of HTML, metrics for Prometheus."""
