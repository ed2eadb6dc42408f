// A small mutation fuzzer without any tool: changes the seeds in ways that find trouble in parsers
// and feeds them to LLVMFuzzerTestOneInput. The order is fixed by --seed, so a failure comes again.
//
//     fuzz_safetensors_header CORPUS_FOLDER [--runs N] [--seconds X] [--seed N]
//     fuzz_safetensors_header CORPUS_FOLDER --only FILE      one input, unchanged
//
// The input that was running when the process died is left in crash-input.bin in the working
// folder.

#include "tests/fuzz/fuzz_support.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

// There in builds with AddressSanitizer only.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kMaxInputBytes = 1 << 16;
constexpr unsigned kSecondsForOneInput = 20;
constexpr rlim_t kMemoryBytes = rlim_t{4} << 30;

Bytes g_current; // what a signal handler leaves behind, and where
std::string g_crashFile;

void keepCurrentInput() {
    int file = ::open(g_crashFile.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file >= 0) {
        [[maybe_unused]] ssize_t written = ::write(file, g_current.data(), g_current.size());
        ::close(file);
    }
}

void onSignal(int number) {
    keepCurrentInput();
    std::signal(number, SIG_DFL);
    std::raise(number);
}

void keepInputOnDeath() {
    for (int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) {
        std::signal(number, onSignal);
    }
    if (__sanitizer_set_death_callback != nullptr) {
        __sanitizer_set_death_callback(keepCurrentInput); // address space is the sanitizer's own
    } else {
        rlimit limit{kMemoryBytes, kMemoryBytes};
        setrlimit(RLIMIT_AS, &limit);
    }
}

Bytes readFile(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

std::vector<Bytes> readSeeds(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<Bytes> seeds;
    for (const auto& path : paths) {
        seeds.push_back(readFile(path));
    }
    return seeds;
}

// Pieces that parsers stumble over; put in at random places.
constexpr std::array<std::string_view, 34> kPieces = {"-1",       "0",    "9223372036854775807",
                                                      "1e309",    "NaN",  "18446744073709551616",
                                                      "-0",       "1e-9", "-9223372036854775808",
                                                      "null",     "true", "[]",
                                                      "{}",       "[[[[", "{\"a\":",
                                                      "\"",       "\\",   "\\u0000",
                                                      "\\ud800",  "\n",   "\r\n",
                                                      "\xff\xfe", "\xc0", "\xf4\x90\x80\x80",
                                                      "\xed\xa0", "\xcc", "\xef\xbb\xbf",
                                                      "</w>",     "%s%n", "../../",
                                                      ": ",       ", ",   "\xe2\x80\xae",
                                                      "65536"};

class Mutator {
  public:
    explicit Mutator(uint64_t seed) : m_random(seed) {}

    Bytes mutate(const std::vector<Bytes>& seeds) {
        Bytes bytes = seeds[below(seeds.size())];
        size_t changes = 1 + below(below(4) == 0 ? 12 : 3);
        for (size_t i = 0; i < changes; ++i) {
            change(bytes, seeds);
        }
        if (bytes.size() > kMaxInputBytes) {
            bytes.resize(kMaxInputBytes);
        }
        return bytes;
    }

  private:
    // Not std::uniform_int_distribution: its numbers differ between libraries.
    size_t below(size_t count) { return count == 0 ? 0 : m_random() % count; }

    void insert(Bytes& bytes, std::string_view piece) {
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size() + 1)),
                     piece.begin(), piece.end());
    }

    void change(Bytes& bytes, const std::vector<Bytes>& seeds) {
        if (bytes.empty()) {
            insert(bytes, kPieces[below(kPieces.size())]);
            return;
        }
        size_t at = below(bytes.size());
        size_t length = 1 + below(std::min<size_t>(bytes.size() - at, 1 + below(64)));
        auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        auto end = begin + static_cast<std::ptrdiff_t>(length);
        switch (below(10)) {
        case 0: bytes[at] ^= static_cast<uint8_t>(1U << below(8)); break;
        case 1: bytes[at] = static_cast<uint8_t>(m_random()); break;
        case 2: bytes.erase(begin, end); break;
        case 3:
            bytes.resize(at); // cut short
            break;
        case 4: {
            Bytes copy(begin, end);
            bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size())),
                         copy.begin(), copy.end());
            break;
        }
        case 5: insert(bytes, kPieces[below(kPieces.size())]); break;
        case 6: changeNumber(bytes, at); break;
        case 7: splice(bytes, seeds[below(seeds.size())]); break;
        case 8: repeat(bytes, at, length); break;
        default: changeWord(bytes, at);
        }
    }

    // The next run of digits becomes another number.
    void changeNumber(Bytes& bytes, size_t at) {
        auto isDigit = [](uint8_t byte) { return byte >= '0' && byte <= '9'; };
        auto first =
            std::find_if(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), isDigit);
        auto last = std::find_if_not(first, bytes.end(), isDigit);
        if (first != last) {
            std::string_view piece = kPieces[below(9)]; // the numbers among them
            auto where = bytes.erase(first, last);
            bytes.insert(where, piece.begin(), piece.end());
        }
    }

    void splice(Bytes& bytes, const Bytes& other) {
        bytes.resize(below(bytes.size()));
        bytes.insert(bytes.end(),
                     other.begin() + static_cast<std::ptrdiff_t>(below(other.size() + 1)),
                     other.end());
    }

    void repeat(Bytes& bytes, size_t at, size_t length) {
        Bytes piece(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    bytes.begin() + static_cast<std::ptrdiff_t>(at + length));
        Bytes many;
        for (size_t count = 1 + below(512); count > 0 && many.size() < kMaxInputBytes; --count) {
            many.insert(many.end(), piece.begin(), piece.end());
        }
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), many.begin(), many.end());
    }

    // Lengths and offsets in binary headers: four or eight bytes at once, in either order.
    void changeWord(Bytes& bytes, size_t at) {
        constexpr std::array<uint64_t, 8> kValues = {
            0, 1, 0x7fffffff, 0xffffffff, 0x80000000, ~uint64_t{0}, uint64_t{1} << 63, 100000001};
        uint64_t value = kValues[below(kValues.size())];
        size_t width = below(2) == 0 ? 4 : 8;
        bool bigEndian = below(2) == 0;
        for (size_t i = 0; i < width && at + i < bytes.size(); ++i) {
            bytes[at + i] = static_cast<uint8_t>(value >> (8 * (bigEndian ? width - 1 - i : i)));
        }
    }

    std::mt19937_64 m_random;
};

void runOne(Bytes input) {
    // A copy of the exact size, so that a sanitizer sees reads past the end.
    g_current = std::move(input);
    g_current.shrink_to_fit();
    alarm(kSecondsForOneInput);
    LLVMFuzzerTestOneInput(g_current.data(), g_current.size());
    alarm(0);
}

struct Options {
    std::filesystem::path corpus;
    std::filesystem::path only;
    uint64_t runs = 1'000'000;
    double seconds = 2;
    uint64_t seed = 1;
};

Options parseOptions(int count, char** values) {
    Options options;
    for (int i = 1; i < count; ++i) {
        std::string_view name = values[i];
        const char* value = i + 1 < count ? values[i + 1] : "";
        if (name == "--runs") {
            options.runs = std::strtoull(value, nullptr, 10), ++i;
        } else if (name == "--seconds") {
            options.seconds = std::strtod(value, nullptr), ++i;
        } else if (name == "--seed") {
            options.seed = std::strtoull(value, nullptr, 10), ++i;
        } else if (name == "--only") {
            options.only = value, ++i;
        } else {
            options.corpus = values[i];
        }
    }
    return options;
}

} // namespace

int main(int count, char** values) {
    Options options = parseOptions(count, values);
    g_crashFile = std::filesystem::path(values[0]).filename().string() + "-crash.bin";
    keepInputOnDeath();
    if (!options.only.empty()) {
        runOne(readFile(options.only));
        return 0;
    }
    std::vector<Bytes> seeds = readSeeds(options.corpus);
    if (seeds.empty()) {
        std::fprintf(stderr, "no seeds in %s\n", options.corpus.c_str());
        return 1;
    }
    runOne({});
    for (const Bytes& seed : seeds) {
        runOne(seed);
    }
    Mutator mutator(options.seed);
    auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(options.seconds);
    uint64_t done = 0;
    while (done < options.runs && std::chrono::steady_clock::now() < end) {
        runOne(mutator.mutate(seeds));
        ++done;
    }
    std::printf("%llu mutated inputs of %zu seeds, no trouble\n",
                static_cast<unsigned long long>(done), seeds.size());
    return 0;
}
