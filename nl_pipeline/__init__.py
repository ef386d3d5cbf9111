"""nl_pipeline: keeps newsletter consent in step between onOffice enterprise and newsletter
providers.

The way of the data: ``clients`` observe both sides, ``warehouse`` stores what was observed,
``domain`` decides, ``sync`` applies and reads back, ``orchestration`` runs it in Dagster.
"""
