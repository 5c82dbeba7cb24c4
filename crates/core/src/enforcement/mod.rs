//! What blocks and reports come to: restriction, suspension, and their lifting.
