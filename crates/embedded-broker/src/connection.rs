//! One client connection: TLS, frames, SASL, then requests answered in the order they came.
