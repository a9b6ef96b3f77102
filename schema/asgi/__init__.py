"""The HTTP side of `/graphql`, a file per stage of a request, in this order.

- `routes`       the routes of `/graphql`
- `endpoint`     method, authentication, the choice of the graph, the answer to every error
- `negotiation`  the media type of the answer
- `credentials`  the bearer token in the request
- `request`      a bounded body, strict JSON, the GraphQL request in it
- `view`         Strawberry's own view of one graph, with these stages in the places of its own
- `guarded`      the schema class of all three graphs: limits before execution, no tracebacks in the log
- `limits`       what one document may ask for: tokens, depth, aliases, objects
- `masking`      errors as the caller sees them: a stable code, and nothing else of ours
- `graphiql`     the page for browsers, from files beside the code
"""
