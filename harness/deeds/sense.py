"""Sense: which deed cannot follow those before it, since it would say what already is, or what cannot be."""

from harness.deeds.acts import ComesOnline, Deed, GoesOffline, Joins, Loses, Pauses, Prefers, Resumes, Suspends
from harness.deeds.network_state import JOB, NetworkState
from harness.units import spell_duration


def senseless(state: NetworkState, deed: Deed) -> str:
    """Return why a deed makes no sense in this state, in which no fault could be seen in it; empty where it does."""
    at, found = f"at {spell_duration(deed.at)}", ""
    match deed.act:
        case _ if deed.actor == JOB and state.job_over:
            found = f"the job has been ended already {at}"
        case Joins(path=path) if path in state.has:
            found = f"{path} is joined already {at}"
        case Prefers(path=path) | Loses(path=path) if path not in state.has:
            found = f"{path} is not joined {at} (joined: {', '.join(sorted(state.has)) or 'none'})"
        case GoesOffline() if state.away is not None:
            found = f"the device is offline already {at}"
        case ComesOnline() if state.away is None:
            found = f"the device is not offline {at}"
        case Suspends() if state.asleep:
            found = f"the device is suspended already {at}"
        case Pauses() if state.paused:
            found = f"the job is paused already {at}"
        case Resumes() if not state.paused:
            found = f"the job is not paused {at}"
    return found
