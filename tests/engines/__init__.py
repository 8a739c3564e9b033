"""DynamoDB Local, ElasticMQ and versitygw as stand-ins for AWS: fetched once, started on free ports, stopped by pid."""
