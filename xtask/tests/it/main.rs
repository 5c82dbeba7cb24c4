//! The structure of the workspace, held against what ARCHITECTURE.md says.

mod arrows;
