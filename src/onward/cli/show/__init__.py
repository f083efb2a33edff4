"""What people see: tables, sheets, JSON, words, bars."""
