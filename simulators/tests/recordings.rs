//! Real recordings, which the project does not contain: read from ../shared/data, or from VLOT_TEST_DATA.
