#pragma once
// Text in PNG files: read and written chunk by chunk, without touching the picture data. OIIO
// misses text behind the picture data and writes UTF-8 where the format says Latin-1.
//
//     Result<PngSummary> summary = readPng(source);
//     Result<std::vector<std::byte>> bytes = withPngTexts(encoded, {{"parameters", text}});
//
// Source: PNG specification (third edition), chapters 5 and 11.3.3. Any thread.

#include "kernels/base/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace kinora::core {

struct PngText {
    std::string key;  // 1 to 79 Latin-1 characters, in UTF-8
    std::string text; // UTF-8
};

struct PngSummary {
    int width = 0;
    int height = 0;
    double pixelBytes = 0;             // of the picture, unpacked
    std::vector<PngText> texts;        // in the file's order, tEXt, zTXt and iTXt alike
    std::vector<std::string> problems; // chunks that were passed over, and why
};

// Bytes that can be read from anywhere: a file or memory.
struct ByteSource {
    uint64_t size = 0;
    // Fills `bytes` from `offset`; false where that is not possible.
    std::function<bool(uint64_t offset, std::span<std::byte> bytes)> read;
};
ByteSource memorySource(std::span<const std::byte> bytes);

// Hostile input: at most 1,000,000 chunks, 256 texts of 16 MiB each and 64 MiB in all, inflated. A
// text that is damaged or over a limit goes to `problems`; Error{BadFile} says that it is no PNG,
// that its header is damaged or that it is cut short.
Result<PngSummary> readPng(const ByteSource& source);

// The PNG with these texts in front of the picture data, and with no other text or time. Keeps what
// the picture needs: critical chunks and colour space. Latin-1 goes to tEXt, else to uncompressed
// iTXt; "XML:com.adobe.xmp" is always iTXt. Error{BadFile} where png is no whole PNG.
Result<std::vector<std::byte>> withPngTexts(std::span<const std::byte> png,
                                            std::span<const PngText> texts);

} // namespace kinora::core
