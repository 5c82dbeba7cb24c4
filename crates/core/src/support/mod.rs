//! What agents report to the operator.
