#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/meta/meta_backend.h"

#include <doctest/doctest.h>

using namespace kinora;
using namespace kinora::kernels;

namespace {

ErrorCode codeOf(const BackendTable& table) {
    BackendRegistry backends;
    try {
        backends.add(table);
    } catch (const Error& error) {
        CHECK(backends.all().empty());
        CHECK(error.message().find("meta") != std::string::npos);
        return error.code();
    }
    FAIL("the table was taken");
    return ErrorCode::Internal;
}

} // namespace

TEST_CASE("a back end is found by its name") {
    BackendRegistry backends;
    backends.add(metaBackend());
    CHECK(&backends.find("meta") == &metaBackend());
    CHECK(backends.all().size() == 1);
    CHECK(backends.open("meta")->threads() >= 1);
    CHECK_THROWS_AS((void)backends.find("cuda"), Error);
    CHECK_THROWS_AS((void)backends.open("cuda"), Error);
}

TEST_CASE("a table of another version or size is refused") {
    BackendTable newer = metaBackend();
    newer.version = kBackendVersion + 1;
    CHECK(codeOf(newer) == ErrorCode::Unsupported);
    BackendTable older = metaBackend();
    older.version = kBackendVersion - 1;
    CHECK(codeOf(older) == ErrorCode::Unsupported);
    BackendTable shorter = metaBackend();
    shorter.sizeBytes -= sizeof(void*);
    CHECK(codeOf(shorter) == ErrorCode::Unsupported);
}
