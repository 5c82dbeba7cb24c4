//! `escalation`: what was reported to the operator.
