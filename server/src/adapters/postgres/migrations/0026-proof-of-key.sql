-- Apps and service accounts of which more is asked: RFC 9449 and RFC 9126. Null: it is not.
alter table oauth_client add column must_prove_key boolean, add column must_push_requests boolean;
