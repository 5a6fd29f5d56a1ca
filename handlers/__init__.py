"""The Python of services that need a rule YAML cannot say; a service that collects, confirms and sends needs none.

A handler is a function from what was answered so far (a `Call`) to an `Outcome` that its screen declares. It is pure:
no clock (`call.now` is given), no file, no network, no randomness. What a citizen typed as a secret comes once, in
`call.secret`, and must not be kept.

    from gateway.engine.outcomes import Call, Outcome, declares

    @declares("majeur", "mineur")
    def age(call: Call) -> Outcome:
        born = int(str(call.values["naissance"].raw)[:4])
        return Outcome("majeur" if call.now.year - born > 18 else "mineur")

In a file `handlers/identite.py` it is called from a menu by `call: identite.age`. `gateway check` compares the outcomes
declared here with those of the screen. Handlers import `gateway.engine.outcomes`, nothing else of the gateway, and not
each other.
"""
