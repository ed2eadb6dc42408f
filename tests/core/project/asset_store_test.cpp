#include "core/project/asset_store.h"
#include "tests/support/temporary_folder.h"

#include <QTest>

using namespace kinora;
using namespace kinora::core;

namespace fs = std::filesystem;

class AssetStoreTest : public QObject {
    Q_OBJECT

  private slots:
    void filesLieUnderTheirHash() {
        const test::TemporaryFolder folder;
        const AssetStore store(folder.path() / "p.assets");
        const auto name = store.add(folder.write("noise.safetensors", "abc"));
        QVERIFY(name);
        // Source: FIPS 180-2, appendix B.1.
        QCOMPARE(*name, std::string("asset:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61"
                                    "f20015ad.safetensors"));
        QCOMPARE(*store.add(folder.write("copy.safetensors", "abc")), *name);
        const auto path = store.find(*name);
        QVERIFY(path);
        QCOMPARE(path->parent_path(), folder.path() / "p.assets");
        fs::remove(*path);
        QCOMPARE(store.find(*name).error().code(), ErrorCode::NotFound);
        folder.write("p.assets/" + path->filename().string(), "abd");
        QCOMPARE(store.find(*name).error().code(), ErrorCode::BadFile);
        QCOMPARE(*store.add(folder.path() / "copy.safetensors"), *name); // mends it
        QVERIFY(store.find(*name));
        QVERIFY(!store.add(folder.path() / "none"));
        QVERIFY(!store.add(folder.path()));
    }

    void aLinkIsNoAsset() {
        const test::TemporaryFolder folder;
        const AssetStore store(folder.path() / "a");
        const fs::path file = folder.write("x.bin", "abc");
        const std::string name = *store.add(file);
        const fs::path kept = *store.find(name);
        fs::remove(kept);
        fs::create_symlink(file, kept);
        const auto found = store.find(name);
        QVERIFY(!found);
        QCOMPARE(found.error().code(), ErrorCode::BadFile);
        QVERIFY(found.error().message().find("symbolic link") != std::string::npos);
        QCOMPARE(*store.add(file), name); // a file in its place
        QVERIFY(store.find(name));
        QVERIFY(fs::is_regular_file(fs::symlink_status(file)));
    }

    void nothingIsWrittenThroughALink() {
        const test::TemporaryFolder folder;
        const fs::path elsewhere = folder.path() / "elsewhere", link = folder.path() / "p.assets";
        const fs::path file = folder.write("x.bin", "abc");
        for (const bool there : {false, true}) { // where it leads to
            if (there) fs::create_directory(elsewhere);
            if (!there) fs::create_directory_symlink(elsewhere, link);
            const auto added = AssetStore(link).add(file);
            QVERIFY(!added);
            QCOMPARE(added.error().code(), ErrorCode::InvalidArgument);
            QVERIFY(added.error().message().find("p.assets: is a symbolic link") !=
                    std::string::npos);
        }
        QVERIFY(fs::is_empty(elsewhere));
        // What it leads to is read all the same.
        const std::string name = *AssetStore(elsewhere).add(file);
        QVERIFY(AssetStore(link).find(name));
        QCOMPARE(*AssetStore(link).add(file), name);
    }

    void referencesAreFoundWithinTexts() {
        const std::string a = "asset:" + std::string(64, 'a') + ".safetensors";
        const std::string b = "asset:" + std::string(64, 'b');
        const auto in = [](const std::string& text) { return assetReferencesIn(text); };
        const std::vector<std::string> none, both{a, b};
        QCOMPARE(in(a + ":0.8," + b + ":1"), both);
        QCOMPARE(in(a + "=" + b + ".:1"), both);
        QCOMPARE(in(a), std::vector<std::string>{a});
        QCOMPARE(in(b + "." + std::string(17, 'x')), std::vector<std::string>{b});
        QCOMPARE(in("asset:abc asset:"), none);
        QCOMPARE(in(""), none);
    }

    void namesLeadNowhereElse() {
        const std::string digits(64, 'a');
        QVERIFY(isAssetReference("asset:" + digits));
        QVERIFY(isAssetReference("asset:" + digits + ".png"));
        for (const std::string& wrong :
             {digits, std::string("asset:"), "asset:" + digits + "/../x", "asset:../" + digits,
              "asset:" + digits + ".", "asset:" + digits + ".a/b", "asset:" + digits + ".a.b",
              "asset:" + std::string(64, 'A'), "asset:" + digits + "." + std::string(17, 'x')})
            QVERIFY2(!isAssetReference(wrong), wrong.c_str());
        QVERIFY(!AssetStore("x").find("asset:../../etc/passwd"));
        const test::TemporaryFolder folder;
        const AssetStore store(folder.path() / "a");
        const auto odd = store.add(folder.write("x.t\xC3\xA9xt", "abc"));
        QVERIFY(odd && isAssetReference(*odd)); // an extension that no name takes is left out
    }
};

QTEST_GUILESS_MAIN(AssetStoreTest)
#include "asset_store_test.moc"
