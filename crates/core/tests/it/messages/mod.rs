mod concurrency;
mod delivery;
mod history;
mod reading;
mod rules;
mod sending;
