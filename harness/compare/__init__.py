"""Two histories compared: two worlds, and one seed played twice."""
