//! `report`: what agents told about each other.
