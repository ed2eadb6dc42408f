#include "core/project/batch_table.h"

#include "core/media/bounded_json.h"
#include "core/media/text_encoding.h"
#include "core/project/decoded_text.h"
#include "core/project/delimited_text.h"
#include "core/project/project_layout.h"
#include "core/project/whole_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <set>

namespace kinora::core {

using pipelines::Parameter;

namespace {

constexpr size_t kLargestTable = size_t{64} << 20;
constexpr size_t kMostRows = 1'000'000;
constexpr size_t kShownName = 60;

std::string lowered(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

// Names without case, spaces and dashes.
std::string plainName(std::string_view name) {
    std::string plain;
    for (const char c : lowered(name))
        if (c != ' ' && c != '-' && c != '_') plain += c;
    return plain;
}

std::string lineText(int64_t line) {
    return "line " + std::to_string(line) + ": ";
}

Error unknownColumn(int64_t line, std::string_view name) {
    std::string known;
    for (const Parameter& parameter : pipelines::imageParameters())
        if (isProjectParameter(parameter.name))
            known += (known.empty() ? "" : ", ") + std::string(parameter.name);
    const std::string_view shown = name.substr(0, kShownName);
    return Error(ErrorCode::InvalidArgument,
                 lineText(line) + "there is no parameter '" + repairedUtf8(shown) + "'.",
                 "Columns are " + known + ", note, and any that begins with # (passed over).");
}

// What a column of the table holds.
struct Column {
    const Parameter* parameter = nullptr; // nullptr: a note, or nothing that is read
    bool isNote = false;
};

Column columnOf(const std::string& name, int64_t line) {
    const std::string plain = trimmed(name);
    if (plain.empty() || plain[0] == '#') return {};
    if (plainName(plain) == "note") return {nullptr, true};
    const Parameter* parameter = parameterOfColumn(plain);
    if (!parameter) throw unknownColumn(line, plain);
    return {parameter, false};
}

// Where commas do not separate fields, they may stand in numbers: "7,5".
std::string withDecimalPoint(std::string value, const Parameter& parameter, char separator) {
    const bool real =
        std::holds_alternative<double pipelines::ImageRequest::*>(parameter.field) ||
        std::holds_alternative<std::optional<double> pipelines::ImageRequest::*>(parameter.field);
    if (real && separator != ',' && std::ranges::count(value, ',') == 1)
        std::ranges::replace(value, ',', '.');
    return value;
}

bool isText(const Parameter& parameter) {
    return parameter.name == "prompt" || parameter.name == "negative";
}

std::vector<Column> columnsOf(const DelimitedRecord& header) {
    std::vector<Column> columns;
    std::set<const Parameter*> seen;
    for (const std::string& name : header.fields) {
        columns.push_back(columnOf(name, header.line));
        const Parameter* parameter = columns.back().parameter;
        if (parameter && !seen.insert(parameter).second)
            throw Error(ErrorCode::InvalidArgument,
                        lineText(header.line) + "two columns are " + std::string(parameter->name) +
                            ".",
                        "Leave one of them out.");
    }
    if (seen.empty())
        throw Error(ErrorCode::BadFile, lineText(header.line) + "no column is a parameter.",
                    "The first line of a table names its columns: prompt,seed,steps.");
    return columns;
}

BatchTable parseCsv(const std::string& text) {
    Result<DelimitedText> parsed = parseDelimited(text);
    if (!parsed) throw parsed.error();
    BatchTable table;
    if (parsed->records.empty()) return table;
    const std::vector<Column> columns = columnsOf(parsed->records.front());
    for (size_t i = 1; i < parsed->records.size(); ++i) {
        DelimitedRecord& record = parsed->records[i];
        BatchRow row{record.line, {}, {}};
        for (size_t field = 0; field < record.fields.size(); ++field) {
            std::string& value = record.fields[field];
            if (field >= columns.size()) {
                if (trimmed(value).empty()) continue;
                throw Error(ErrorCode::BadFile,
                            lineText(record.line) + "has more fields than the first line.",
                            "Put a field with commas into quotes.");
            }
            const Column& column = columns[field];
            if (column.isNote) row.note = value;
            if (!column.parameter || value.empty()) continue;
            if (!isText(*column.parameter)) value = trimmed(value);
            if (value.empty()) continue;
            row.values.emplace_back(
                column.parameter,
                withDecimalPoint(std::move(value), *column.parameter, parsed->separator));
        }
        if (!row.values.empty() || !row.note.empty()) table.rows.push_back(std::move(row));
    }
    return table;
}

// Calls use(line, number) for each line that has something in it.
template <typename Use> void eachLine(std::string_view text, Use use) {
    int64_t number = 0;
    while (!text.empty()) {
        const size_t end = std::min(text.find_first_of("\r\n"), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(
            std::min(text.size(), end + (text.substr(end, 2) == "\r\n" ? size_t{2} : size_t{1})));
        ++number;
        if (!trimmed(line).empty()) use(line, number);
    }
}

void checkRowCount(size_t rows) {
    if (rows >= kMostRows)
        throw Error(ErrorCode::BadFile, "there are more than a million rows.", "Split the table.");
}

BatchTable parseJsonLines(const std::string& text) {
    BatchTable table;
    eachLine(text, [&](std::string_view line, int64_t number) {
        checkRowCount(table.rows.size());
        const auto object = parseBoundedJson(line);
        if (!object) throw Error(ErrorCode::BadFile, lineText(number) + object.error().message());
        if (!object->is_object())
            throw Error(ErrorCode::BadFile, lineText(number) + "is not a JSON object.",
                        "Each line is one: {\"prompt\": \"a fox\", \"seed\": 7}");
        BatchRow row{number, {}, {}};
        for (const auto& [name, value] : object->items()) {
            const Column column = columnOf(name, number);
            const bool known = value.is_string() || value.is_number();
            if (value.is_null() || (!column.parameter && !column.isNote)) continue;
            if (!known)
                throw Error(ErrorCode::InvalidArgument, lineText(number) +
                                                            name.substr(0, kShownName) +
                                                            " is neither a text nor a number.");
            std::string typed = value.is_string() ? value.get<std::string>() : value.dump();
            if (column.isNote)
                row.note = std::move(typed);
            else
                row.values.emplace_back(column.parameter, std::move(typed));
        }
        table.rows.push_back(std::move(row));
    });
    return table;
}

BatchTable parsePrompts(const std::string& text) {
    const Parameter* prompt = pipelines::findImageParameter("prompt");
    BatchTable table;
    eachLine(text, [&](std::string_view line, int64_t number) {
        checkRowCount(table.rows.size());
        const std::string value = trimmed(line);
        if (value[0] != '#') table.rows.push_back({number, {{prompt, value}}, {}});
    });
    return table;
}

using Parse = BatchTable (*)(const std::string& text);

Parse parserOf(std::string_view extension) {
    const std::string name = lowered(extension);
    if (name == ".csv" || name == ".tsv") return parseCsv;
    if (name == ".jsonl" || name == ".ndjson") return parseJsonLines;
    if (name == ".txt") return parsePrompts;
    return nullptr;
}

} // namespace

const Parameter* parameterOfColumn(std::string_view name) {
    const std::string plain = plainName(name);
    for (const Parameter& parameter : pipelines::imageParameters())
        if (isProjectParameter(parameter.name) &&
            (plainName(parameter.name) == plain || plainName(parameter.option) == plain ||
             plainName(parameter.label) == plain))
            return &parameter;
    return nullptr;
}

bool isBatchTable(const std::filesystem::path& path) {
    return parserOf(path.extension().string()) != nullptr;
}

Result<BatchTable> parseBatchTable(std::string_view bytes, std::string_view extension) {
    const Parse parse = parserOf(extension);
    if (!parse)
        return Error(ErrorCode::Unsupported, "this is no table that is known.",
                     "Tables end in .csv, .tsv, .jsonl or .txt.");
    try {
        std::string text = decodedText(bytes);
        if (text.find('\0') != std::string::npos)
            return Error(ErrorCode::BadFile, "there are zero bytes in the text.",
                         "Save the table as UTF-8.");
        return parse(text);
    } catch (const Error& error) {
        return error;
    }
}

Result<BatchTable> readBatchTable(const std::filesystem::path& path) {
    const Result<std::string> bytes = readWholeFile(path, kLargestTable);
    if (!bytes) return bytes.error();
    Result<BatchTable> table = parseBatchTable(*bytes, path.extension().string());
    if (!table)
        return Error(table.error().code(), shownPath(path) + ": " + table.error().message(),
                     table.error().advice());
    table->file = shownPath(path.filename());
    if (table->rows.empty())
        return Error(ErrorCode::BadFile, shownPath(path) + ": there is nothing in the table.",
                     "Each line below the first is a picture.");
    return table;
}

} // namespace kinora::core
