#include "core/project/contact_sheet.h"
#include "core/project/grid_sheets.h"
#include "core/project/sheet_font.h"

#include <QTest>
#include <nlohmann/json.hpp>

#include <set>

using namespace kinora;
using namespace kinora::core;
using nlohmann::ordered_json;

namespace {

ProjectDocument gridOf(int rows) {
    ordered_json batch = {{"name", "g"}, {"rows", ordered_json::array()}};
    batch["grid"]["axes"] = {{{"parameter", "cfg"}, {"values", {"1", "2"}}},
                             {{"parameter", "steps"}, {"values", {"3", "4", "5"}}},
                             {{"parameter", "eta"}, {"values", {"0", "1"}}}};
    for (int i = 0; i < rows; ++i) batch["rows"].push_back(ordered_json::object());
    ProjectDocument project;
    if (auto added = project.addBatch(batch); !added) throw added.error();
    return project;
}

Image filled(int width, int height, float value, int channels = 3) {
    return {width, height, channels,
            std::vector<float>(static_cast<size_t>(width * height * channels), value)};
}

float at(const Image& image, int x, int y) {
    return image.pixels[(static_cast<size_t>(y) * static_cast<size_t>(image.width) +
                         static_cast<size_t>(x)) *
                        3];
}

} // namespace

class GridSheetsTest : public QObject {
    Q_OBJECT

  private slots:
    void oneSheetForEachRowAndValueOfTheThirdAxis() {
        const auto sheets = gridSheets(gridOf(24));
        QCOMPARE(sheets.size(), size_t{4});
        QCOMPARE(sheets[1].name, std::string("sheet-g-00006.png"));
        QCOMPARE(sheets[1].columns, 2);
        QCOMPARE(sheets[1].tasks, (std::vector<int64_t>{6, 7, 8, 9, 10, 11}));
        QCOMPARE(sheets[1].captions[3], (std::vector<std::string>{"cfg 2", "steps 4", "eta 1"}));
        QCOMPARE(sheets[2].captions[0], (std::vector<std::string>{"cfg 1", "steps 3", "eta 0"}));
        QVERIFY(gridSheets(gridOf(23)).empty()); // somebody took a row away
    }

    void cellsStandInRowsWithCaptionsBelow() {
        std::vector<SheetCell> cells;
        for (int i = 0; i < 3; ++i)
            cells.push_back({filled(40, 30, 0.2F * static_cast<float>(i)), {"A"}});
        const Image sheet = contactSheet(cells, 2);
        QCOMPARE(sheet.width, 2 * 48 + 8);
        QCOMPARE(sheet.height, 2 * (30 + 10 + 8) + 8);
        QCOMPARE(at(sheet, 0, 0), 1.0F);
        QCOMPARE(at(sheet, 8, 8), 0.0F);
        QCOMPARE(at(sheet, 56, 8), 0.2F);
        QCOMPARE(at(sheet, 8, 56), 0.4F);
        QCOMPARE(at(sheet, 56, 56), 1.0F); // there is no fourth
        QCOMPARE(at(sheet, 10, 40), 0.1F); // the top of the A
        QCOMPARE(at(sheet, 8, 40), 1.0F);
    }

    void largeOnesAreMadeSmallerAndAlphaIsOverWhite() {
        std::vector<SheetCell> cells(20, {filled(1000, 10, 0.0F), {}});
        const Image sheet = contactSheet(cells, 20);
        QVERIFY(sheet.width <= 16384);
        QCOMPARE(sheet.width, 20 * 508 + 8);
        Image clear = filled(8, 8, 0.0F, 4);
        QCOMPARE(at(contactSheet({{clear, {}}}, 1), 8, 8), 1.0F);
    }

    void lettersAreUnlikeEachOther() {
        std::set<std::array<uint8_t, kGlyphHeight>> seen;
        const std::u32string all = U" ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,-_=:/+()#%!?";
        for (const char32_t character : all) QVERIFY(seen.insert(glyphOf(character)).second);
        QVERIFY(glyphOf(U'a') == glyphOf(U'A'));
        QVERIFY(seen.insert(glyphOf(U'\u72d0')).second); // a box
    }
};

QTEST_GUILESS_MAIN(GridSheetsTest)
#include "grid_sheets_test.moc"
