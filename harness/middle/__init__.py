"""What HTTP-level boxes see and do: a stage of the gate."""
