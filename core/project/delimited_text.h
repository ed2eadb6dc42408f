#pragma once
// Comma-separated values as RFC 4180 has them and as spreadsheets write them: separated by commas,
// semicolons, tabs or bars; lines that end in CRLF, LF or CR; a first line "sep=;".

#include "kernels/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::core {

struct DelimitedRecord {
    int64_t line = 1; // where it begins, from 1
    std::vector<std::string> fields;
};

struct DelimitedText {
    char separator = ',';
    std::vector<DelimitedRecord> records; // lines without a character are left out
};

// text: UTF-8. Error{BadFile}: a quote that does not end, characters after one that did; more than
// a million records or a thousand fields in one.
Result<DelimitedText> parseDelimited(std::string_view text);

// One record with the separator given: "3,5,\"a, b\"".
Result<std::vector<std::string>> parseFields(std::string_view text, char separator);

} // namespace kinora::core
