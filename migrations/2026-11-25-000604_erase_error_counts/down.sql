DROP FUNCTION erase_from_error_counts(text[], text[]);
